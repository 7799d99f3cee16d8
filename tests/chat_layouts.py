"""Chat templates in the layouts that published families have, in our own words.

What differs between them is where the instruction goes, what a turn without audio becomes, and
whether a turn's content is a list of blocks or a plain text. For tests only.
"""

from __future__ import annotations

AUDIO = "<|audio_bos|><|AUDIO|><|audio_eos|>"
_OPEN, _CLOSE = "<|im_start|>user\n", "<|im_end|>\n"
_ANSWER = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"

_FIND = (
    "{% set found = namespace(sound=false, text='', all='', system='') %}"
    "{% for message in messages %}{% for block in message['content'] %}"
    "{% if block['type'] == 'audio' %}{% set found.sound = true %}"
    "{% elif message['role'] == 'system' %}{% set found.system = block['text'] %}"
    "{% else %}{% if not found.text %}{% set found.text = block['text'] %}{% endif %}"
    "{% set found.all = found.all ~ block['text'] %}{% endif %}"
    "{% endfor %}{% endfor %}"
)
"""Whether there is sound, the first text, all texts, and the system turn's."""

ONLY_SYSTEM_TEXT = (  # Qwen3-ASR: a user's text is left out
    _FIND + "<|im_start|>system\n{{ found.system }}<|im_end|>\n"
    f"{_OPEN}{{% if found.sound %}}{AUDIO}{{% endif %}}{_CLOSE}{_ANSWER}"
)
NO_TURN_WITHOUT_AUDIO = (  # VibeVoice ASR: no generation prompt either
    _FIND + "<|im_start|>system\nYou write down speech.<|im_end|>\n"
    f"{{% if found.sound %}}{_OPEN}{AUDIO}\nThis lasts <|AUDIO_DURATION|> seconds"
    "{% if found.text %}, and know that {{ found.text }}{% endif %}. Write it down."
    f"{_CLOSE}{{% endif %}}"
)
OWN_INSTRUCTION_LAST = (  # MOSS: a text is a note between the audio and the template's own words
    _FIND + f"{_OPEN}{{% if found.sound %}}{AUDIO}"
    "{% if found.text %}Note: {{ found.text }}\n{% endif %}Who says what?"
    f"{{% else %}}{{{{ found.text }}}}{{% endif %}}{_CLOSE}{_ANSWER}"
)
OWN_INSTRUCTION_FIRST = (  # Fun-ASR Nano: a text is a context, and the audio is always last
    _FIND + f"{_OPEN}{{% if found.sound %}}"
    "{% if found.text %}With this context:\n{{ found.text }}\n{% endif %}"
    f"Write it down:{AUDIO}{{% else %}}{{{{ found.all }}}}{{% endif %}}{_CLOSE}{_ANSWER}"
)
AUDIO_FIRST = (  # Audio Flamingo 3: whatever the order of the blocks
    _FIND + f"{_OPEN}{{% if found.sound %}}{AUDIO}{{% endif %}}{{{{ found.all }}}}{_CLOSE}{_ANSWER}"
)
TURN_AFTER_AUDIO = (  # GLM-ASR: the turn is opened anew behind the audio
    "{% for message in messages %}<|im_start|>\n{% for block in message['content'] %}"
    f"{{% if block['type'] == 'audio' %}}{AUDIO}<|im_start|>\n{{% else %}}{{{{ block['text'] }}}}"
    f"{{% endif %}}{{% endfor %}}{{% endfor %}}<|im_end|>{_ANSWER}"
)
NUMBERED = (  # Qwen2-Audio
    f"{{% for message in messages %}}{_OPEN}{{% for block in message['content'] %}}"
    f"{{% if block['type'] == 'audio' %}}Audio 1: {AUDIO}\n"
    f"{{% else %}}{{{{ block['text'] }}}}{{% endif %}}{{% endfor %}}{_CLOSE}{{% endfor %}}{_ANSWER}"
)
PLAIN_TEXT = (  # Granite Speech 3: content is added to a string
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
    f"message['content'] + '<|im_end|>\n' }}}}{{% endfor %}}{_ANSWER}"
)
TEXT_BLOCKS = (  # Granite Speech 4: a plain text, or blocks of which only texts are written
    f"{{% for message in messages %}}{_OPEN}{{% if message['content'] is string %}}"
    "{{ message['content'] }}{% else %}{% for block in message['content'] %}"
    "{% if block['type'] == 'text' %}{{ block['text'] }}{% endif %}{% endfor %}{% endif %}"
    f"{_CLOSE}{{% endfor %}}{_ANSWER}"
)

LAYOUTS = {
    "only system text": ONLY_SYSTEM_TEXT,
    "no turn without audio": NO_TURN_WITHOUT_AUDIO,
    "own instruction last": OWN_INSTRUCTION_LAST,
    "own instruction first": OWN_INSTRUCTION_FIRST,
    "audio first": AUDIO_FIRST,
    "turn after audio": TURN_AFTER_AUDIO,
    "numbered": NUMBERED,
    "plain text": PLAIN_TEXT,
    "text blocks": TEXT_BLOCKS,
}
