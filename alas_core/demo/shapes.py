"""The shapes that sentences of the demo language take, each with what can be asked about it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from alas_core.demo import lexicon as lx


@dataclass(frozen=True)
class Sentence:
    """One sentence and what can be asked about it.

    Attributes
    ----------
    text : str
        Lower-case words separated by single spaces.
    answers : Mapping[str, str]
        Task name to one-word answer; only the tasks that the sentence can answer.
    emotion : str
        The emotion it is spoken with: a key of `lexicon.EMOTIONS`, or "neutral".
    """

    text: str
    answers: Mapping[str, str] = field(default_factory=dict)
    emotion: str = "neutral"


def _kind(who: str) -> str:
    return "animal" if who in lx.ANIMALS else "person"


def _about(who: str, **answers: str) -> dict[str, str]:
    return {"who": who, "choice": _kind(who), **answers}


def _maybe(rng: random.Random, share: float, words: tuple[str, ...]) -> str:
    return f" {rng.choice(words)}" if rng.random() < share else ""


def _animal_at_place(rng: random.Random) -> Sentence:
    det, color, animal = (
        rng.choice(("the", "a", "my")),
        rng.choice(lx.COLORS),
        rng.choice(lx.ANIMALS),
    )
    prep, place = rng.choice(lx.PREPOSITIONS), rng.choice(lx.PLACES)
    text = f"{det} {color} {animal} {rng.choice(lx.MOVES)} {prep} the {place}"
    return Sentence(text + _maybe(rng, 0.3, lx.DAYS), _about(animal, color=color, place=place))


def _place_first(rng: random.Random) -> Sentence:
    who = rng.choice(lx.ANIMALS + lx.PEOPLE)
    place, size = rng.choice(lx.PLACES), rng.choice(lx.SIZES)
    prep, det = rng.choice(lx.PREPOSITIONS), rng.choice(("the", "a", "our"))
    text = f"{prep} the {place} {det} {size} {who} {rng.choice(lx.MOVES)}"
    return Sentence(text + _maybe(rng, 0.5, lx.MANNERS), _about(who, place=place))


def _day_first(rng: random.Random) -> Sentence:
    who, number = rng.choice(lx.PEOPLE), rng.choice(lx.NUMBERS)
    color, things = rng.choice(lx.COLORS), rng.choice(lx.OBJECTS_MANY)
    det = rng.choice(("the", "my", "our"))
    text = f"{rng.choice(lx.DAYS)} {det} {who} {rng.choice(lx.DEEDS)} {number} {color} {things}"
    return Sentence(text, _about(who, color=color, count=number))


def _things_at_place(rng: random.Random) -> Sentence:
    number, color, place = rng.choice(lx.NUMBERS), rng.choice(lx.COLORS), rng.choice(lx.PLACES)
    prep = rng.choice(lx.PREPOSITIONS)
    text = f"{number} {color} {rng.choice(lx.OBJECTS_MANY)} are {prep} the {place}"
    return Sentence(text, {"count": number, "color": color, "place": place})


def _feel_because(rng: random.Random) -> Sentence:
    emotion = rng.choice(tuple(lx.EMOTIONS))
    who = rng.choice(lx.ANIMALS + lx.PEOPLE)
    words = f"{rng.choice(('the', 'my', 'your'))} {who} {rng.choice(lx.MOVES)}"
    answers = _about(who, emotion=emotion)
    if rng.random() < 0.5:
        answers["place"] = rng.choice(lx.PLACES)
        words += f" {rng.choice(lx.PREPOSITIONS)} the {answers['place']}"
    feel = f"i {rng.choice(('feel', 'am'))} {rng.choice(lx.EMOTIONS[emotion])}"
    return Sentence(f"{feel} because {words}", answers, emotion)


def _deed_then_feeling(rng: random.Random) -> Sentence:
    emotion, who = rng.choice(tuple(lx.EMOTIONS)), rng.choice(lx.PEOPLE)
    color, thing = rng.choice(lx.COLORS), rng.choice(lx.OBJECTS)
    det = rng.choice(("the", "my", "our"))
    text = f"{det} {who} {rng.choice(lx.DEEDS)} a {color} {thing} and now i feel "
    return Sentence(
        text + rng.choice(lx.EMOTIONS[emotion]), _about(who, color=color, emotion=emotion), emotion
    )


def _weather_feeling(rng: random.Random) -> Sentence:
    emotion = rng.choice(tuple(lx.EMOTIONS))
    feeling = rng.choice(lx.EMOTIONS[emotion])
    shapes = (
        f"the {rng.choice(lx.WEATHER)} makes me {feeling}",
        f"i was very {feeling} {rng.choice(lx.DAYS)}",
        f"{feeling} and {rng.choice(lx.MANNERS)} i sit with my {rng.choice(lx.OBJECTS)}",
    )
    return Sentence(rng.choice(shapes), {"emotion": emotion}, emotion)


def _there_are(rng: random.Random) -> Sentence:
    number, place = rng.choice(lx.NUMBERS), rng.choice(lx.PLACES)
    what = f"{number} {rng.choice(lx.SIZES)} {rng.choice(lx.ANIMALS_MANY)}"
    tail = f"{rng.choice(lx.PREPOSITIONS)} the {place}"
    text = rng.choice((f"there are {what} {tail}", f"{tail} there were {what}"))
    return Sentence(text, {"count": number, "place": place})


def _gift(rng: random.Random) -> Sentence:
    name, number = rng.choice(lx.NAMES), rng.choice(lx.NUMBERS)
    text = f"{name} gave me {number} {rng.choice(lx.OBJECTS_MANY)}"
    if rng.random() < 0.4:
        text += f" for my {rng.choice(('house', 'garden', 'kitchen', 'school'))}"
    return Sentence(text, _about(name, count=number))


def _request(rng: random.Random) -> Sentence:
    color, thing, place = rng.choice(lx.COLORS), rng.choice(lx.OBJECTS), rng.choice(lx.PLACES)
    text = rng.choice(
        (
            f"please bring the {color} {thing} to the {place}",
            f"do not leave your {color} {thing} at the {place}",
            f"put a {color} {thing} in the {place} for {rng.choice(lx.NAMES)}",
        )
    )
    return Sentence(text, {"color": color, "place": place})


def _habit(rng: random.Random) -> Sentence:
    name, place = rng.choice(lx.NAMES), rng.choice(lx.PLACES)
    often = rng.choice(("never", "always", "often"))
    verb = rng.choice(("eats", "brings", "sells"))
    text = f"{name} {often} {verb} {rng.choice(lx.FOODS)} at the {place}"
    return Sentence(text, _about(name, place=place))


def _when_weather(rng: random.Random) -> Sentence:
    who, place = rng.choice(lx.PEOPLE + lx.NAMES), rng.choice(lx.PLACES)
    subject = who if who in lx.NAMES else f"{rng.choice(('the', 'our'))} {who}"
    prep, weather = rng.choice(lx.PREPOSITIONS), rng.choice(lx.WEATHER)
    text = f"when the {weather} comes {subject} {rng.choice(lx.MOVES)} {prep} the {place}"
    return Sentence(text, _about(who, place=place))


def _food(rng: random.Random) -> Sentence:
    who = rng.choice(lx.PEOPLE)
    first, second = rng.sample(lx.FOODS, 2)
    text = f"{first} and {second} for the {rng.choice(lx.SIZES)} {who}"
    return Sentence(text + _maybe(rng, 0.4, lx.DAYS), _about(who))


def _short(rng: random.Random) -> Sentence:
    name, number, color = rng.choice(lx.NAMES), rng.choice(lx.NUMBERS), rng.choice(lx.COLORS)
    manner = rng.choice(("good morning", "good night", "thank you", "welcome back"))
    return rng.choice(
        (
            Sentence(f"{manner} {name}" + _maybe(rng, 0.2, lx.MANNERS), _about(name)),
            Sentence(
                f"{number} {rng.choice(lx.SIZES)} {rng.choice(lx.OBJECTS_MANY)}", {"count": number}
            ),
            Sentence(
                f"open the {color} {rng.choice(lx.OBJECTS)}" + _maybe(rng, 0.5, lx.MANNERS),
                {"color": color},
            ),
        )
    )


def _asker(rng: random.Random) -> str:
    return rng.choice(lx.ASKERS).format(name=rng.choice(lx.NAMES))


def _fact_question(rng: random.Random) -> Sentence:
    kind = rng.random()
    if kind < 0.35:
        thing, answer = rng.choice(tuple(lx.THING_COLORS.items()))
        text = rng.choice((f"what color is the {thing}", f"the {thing} has what color"))
    elif kind < 0.5:
        animal, answer = rng.choice(tuple(lx.LEGS.items()))
        text = rng.choice((f"how many legs has a {animal}", f"a {animal} has how many legs"))
    else:
        word, answer = rng.choice(tuple(lx.OPPOSITES.items()))
        text = rng.choice((f"what is the opposite of {word}", f"{word} is the opposite of what"))
    return Sentence(f"{_asker(rng)} {text}".strip(), {"question": answer})


def _comparison(rng: random.Random) -> Sentence:
    big, small = rng.choice(lx.BIG_ANIMALS), rng.choice(lx.SMALL_ANIMALS)
    first, second = rng.choice(((big, small), (small, big)))
    than = rng.choice(("bigger", "smaller"))
    answer = "yes" if (first == big) == (than == "bigger") else "no"
    text = f"{_asker(rng)} is a {first} {than} than a {second}".strip()
    return Sentence(text, {"question": answer})


SHAPES: tuple[tuple[Callable[[random.Random], Sentence], float], ...] = (
    (_animal_at_place, 0.10),
    (_place_first, 0.07),
    (_day_first, 0.08),
    (_things_at_place, 0.08),
    (_feel_because, 0.10),
    (_deed_then_feeling, 0.07),
    (_weather_feeling, 0.05),
    (_there_are, 0.07),
    (_gift, 0.05),
    (_request, 0.07),
    (_habit, 0.05),
    (_when_weather, 0.05),
    (_food, 0.04),
    (_short, 0.06),
    (_fact_question, 0.11),
    (_comparison, 0.07),
)
