"""Prints mappings with the texts that PyYAML has for them, as a fixture of the emitter of instance-config.

    python write_pyyaml_fixture.py > crates/instance-config/tests/fixtures/pyyaml.json
"""

import json
import random
import sys

import yaml

WORDS = (
    "a dagster secret's key: value # comment - yes No ON off null ~ NULL true False y n 0 07 08 0o17 0x1f 0b11 1_000 "
    "12:30 12:60:1 1.5 1. .5 -.5 1e5 1e+5 1.0e+5 1.0e5 .inf -.INF .nan +12 -3 2024-01-05 2024-1-5 2024-01-05T1:02:03 "
    "2024-01-05T10:02:03.5Z 2024-01-05T10:02:03+01:00 << = ... --- : ? - * & ! | > % @ ` { } [ ] , \" ' \\ é ü 🦀 中文 "
    "/home/me/x ~/x $HOME postgresql://u:p@h:5432/d?x=y#z base_dir env:X a:b a#b key:"
).split(" ")
SINGLE = WORDS + [
    "",
    " ",
    "  ",
    " a",
    "a ",
    "a\n",
    "a\n\n",
    "\na",
    "a\nb",
    "a \nb",
    "a\n b",
    "a\n\n\nb c",
    "\n",
    "a\tb",
    "a\r\nb",
    "\0",
    "\x7f",
    "\x85",
    "\xa0",
    "\u2028",
    "\ufeff",
    "a: b",
    "a :b",
    ": a",
    "- a",
    "-a",
    "? a",
    "?a",
    "a #b",
    "it's",
    'say "x"',
    "2024-01-05 10:02:03",
    "2024-01-05  10:02:03.123 +1",
    "2024-01-05 10:02",
    "1:2:3.5",
    "1e400",
]
NUMBERS = [0, -1, 7, 10**15, 0.0, 1.0, -2.5, 1e20, 1.5e-7, 1e-7, 123456789.125, 1e16, 2**53 + 0.0]


def text(draw):
    kind = draw.random()
    if kind < 0.5:
        return draw.choice(SINGLE)
    if kind < 0.85:
        return draw.choice([" ", " ", "  ", "\n"]).join(draw.choices(WORDS, k=draw.randint(2, 24)))
    return "".join(draw.choices("ab  \n'\"\\é\t:#🦀", k=draw.randint(1, 110)))


def value(draw, depth):
    kind = draw.random()
    if depth > 0 and kind < 0.25:
        return {text(draw): value(draw, depth - 1) for _ in range(draw.randint(0, 3))}
    if depth > 0 and kind < 0.45:
        return [value(draw, depth - 1) for _ in range(draw.randint(0, 3))]
    if kind < 0.8:
        return text(draw)
    return draw.choice([*NUMBERS, True, False, None])


def main():
    draw = random.Random(7)
    mappings = [{key: "v"} for key in SINGLE] + [{"k": word} for word in SINGLE] + [{"k": n} for n in NUMBERS]
    mappings += [{}, {"k": {}}, {"k": []}, {"k": [[], {}, [[]], [{"a": [1]}]]}]
    mappings += [{"k" * length: "v " * 60} for length in (100, 122, 123, 124, 200)]
    mappings += [{"x" * 130: inner} for inner in ({"a": 1}, [1, 2], {}, [], None)]
    mappings += [{text(draw): value(draw, 2) for _ in range(draw.randint(1, 3))} for _ in range(250)]
    # With the texts of references within references, as Dagster nests them.
    for mapping in list(mappings[-20:]):
        mappings.append({"run_storage": {"config_yaml": yaml.dump(mapping, default_flow_style=False)}})
    lines = [json.dumps([mapping, yaml.dump(mapping, default_flow_style=False)]) for mapping in mappings]
    sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
