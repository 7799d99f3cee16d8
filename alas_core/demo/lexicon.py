"""The words of the demo language, and what the demo tasks know about them.

Every word is plain lower-case English that CMUdict (and so the aligner) knows, and becomes one
token of the demo tokenizer. :mod:`alas_core.demo.grammar` puts the words into sentences.
"""

from __future__ import annotations

from types import MappingProxyType

COLORS = tuple("red blue green yellow black white brown pink purple orange gray golden".split())
BIG_ANIMALS = tuple("horse cow lion tiger bear elephant camel wolf pig sheep goat monkey".split())
SMALL_ANIMALS = tuple(
    "cat bird fish rabbit mouse duck frog chicken turtle snake spider kitten".split()
)
ANIMALS = (*BIG_ANIMALS, *SMALL_ANIMALS)
ANIMALS_MANY = tuple(
    "horses cows lions bears camels pigs birds rabbits ducks frogs monkeys spiders".split()
)
OBJECTS = tuple(
    "ball box cup book hat car lamp chair table key clock basket pencil blanket ladder".split()
)
OBJECTS_MANY = tuple(
    "balls boxes cups books hats cars lamps chairs tables keys clocks baskets pencils "
    "blankets ladders".split()
)
NUMBERS = tuple("two three four five six seven eight nine ten eleven twelve twenty".split())
PLACES = tuple(
    "garden kitchen house park forest river street school market beach library museum "
    "station mountain village bridge hospital castle".split()
)
PREPOSITIONS = tuple("in near behind beside under across".split())
MOVES = tuple("runs walks jumps swims sleeps waits sits hides sings dances".split())
PEOPLE = tuple(
    "boy girl teacher doctor farmer mother father sister brother friend uncle aunt baker "
    "sailor soldier singer driver nurse painter neighbor".split()
)
NAMES = tuple("anna peter maria david laura thomas susan robert emma oliver".split())
DEEDS = tuple("saw found took lost sold bought painted carried counted wanted".split())
SIZES = tuple("big small old new tiny heavy lovely strange".split())
FOODS = tuple("bread milk cheese honey soup rice butter coffee".split())
WEATHER = tuple("rain snow wind thunder sunshine fog".split())
DAYS = tuple("today yesterday now tonight monday friday sunday tomorrow".split())
MANNERS = tuple("slowly quickly quietly alone".split())
EMOTIONS = MappingProxyType(
    {
        "happy": ("happy", "glad", "cheerful", "delighted"),
        "sad": ("sad", "lonely", "gloomy", "unhappy"),
        "angry": ("angry", "furious", "annoyed", "mad"),
        "afraid": ("afraid", "scared", "nervous", "worried"),
    }
)
THING_COLORS = MappingProxyType(
    {
        "sky": "blue",
        "grass": "green",
        "snow": "white",
        "banana": "yellow",
        "night": "black",
        "cherry": "red",
        "carrot": "orange",
        "chocolate": "brown",
        "fog": "gray",
        "ocean": "blue",
    }
)
LEGS = MappingProxyType(
    {
        **dict.fromkeys(("bird", "duck", "chicken"), "two"),
        **dict.fromkeys((*BIG_ANIMALS[:7], "cat", "rabbit", "frog", "turtle"), "four"),
        "spider": "eight",
    }
)
OPPOSITES = MappingProxyType(
    {
        "hot": "cold",
        "big": "small",
        "old": "new",
        "happy": "sad",
        "black": "white",
        "night": "day",
        "up": "down",
        "open": "closed",
        "fast": "slow",
        "rich": "poor",
    }
)
ASKERS = ("", "tell me", "please tell me", "{name} asks", "{name} wants to know", "listen")
