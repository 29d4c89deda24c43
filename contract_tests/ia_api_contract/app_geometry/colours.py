"""Colours as CSS writes them: the contract's reading of "strings with optional alpha".

The vendor says no more than that (V); that any colour of CSS is understood is assumed (A). `#RRGGBB` and `#RRGGBBAA`
are the safest: the demo hospital's examples use no others.
"""

import re

_HEX = re.compile(r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)
_FUNCTION = re.compile(r"(?:rgb|hsl)a?\(([^()]*)\)", re.IGNORECASE)
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?:%|deg|rad|grad|turn)?", re.IGNORECASE)

NAMES = frozenset(
    re.findall(
        r"\w+",
        """
        aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown
        burlywood cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan
        darkgoldenrod darkgray darkgreen darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred
        darksalmon darkseagreen darkslateblue darkslategray darkslategrey darkturquoise darkviolet deeppink
        deepskyblue dimgray dimgrey dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite gold
        goldenrod gray green greenyellow grey honeydew hotpink indianred indigo ivory khaki lavender lavenderblush
        lawngreen lemonchiffon lightblue lightcoral lightcyan lightgoldenrodyellow lightgray lightgreen lightgrey
        lightpink lightsalmon lightseagreen lightskyblue lightslategray lightslategrey lightsteelblue lightyellow
        lime limegreen linen magenta maroon mediumaquamarine mediumblue mediumorchid mediumpurple mediumseagreen
        mediumslateblue mediumspringgreen mediumturquoise mediumvioletred midnightblue mintcream mistyrose moccasin
        navajowhite navy oldlace olive olivedrab orange orangered orchid palegoldenrod palegreen paleturquoise
        palevioletred papayawhip peachpuff peru pink plum powderblue purple rebeccapurple red rosybrown royalblue
        saddlebrown salmon sandybrown seagreen seashell sienna silver skyblue slateblue slategray slategrey snow
        springgreen steelblue tan teal thistle tomato transparent turquoise violet wheat white whitesmoke yellow
        yellowgreen
        """,
    )
)
"""The names of CSS Color Module Level 4, and `transparent`."""

MOST = 100
"""No colour is longer."""


def is_colour(text: str) -> bool:
    """Whether the text is a colour: `#RGB`, `#RGBA`, `#RRGGBB`, `#RRGGBBAA`, `rgb()`, `hsl()` or a name."""
    text = text.strip()
    if len(text) > MOST:
        return False
    return bool(_HEX.fullmatch(text)) or text.lower() in NAMES or bool(_numbers(text))


def is_invisible(text: str) -> bool:
    """Whether the text is a colour of which nothing is seen: its alpha is zero."""
    text = text.strip().lower()
    if not is_colour(text):
        return False
    if text.startswith("#"):
        return len(text) in (5, 9) and not text[-(len(text) // 4) :].strip("0")
    numbers = _numbers(text)
    return text == "transparent" or (len(numbers) == 4 and numbers[3] == 0)


def _numbers(text: str) -> list[float]:
    """The three or four numbers of `rgb(1, 2, 3, 0.5)` or `rgb(1 2 3 / 50%)`, without units; none for another text."""
    function = _FUNCTION.fullmatch(text)
    if not function:
        return []
    inner = function[1]
    if "," in inner:
        words = [word.strip() for word in inner.split(",")]
    else:
        colour, slash, alpha = inner.partition("/")
        words = [*colour.split(), *([alpha.strip()] if slash else [])]
        if len(words) != 3 + bool(slash):
            return []
    found = [_NUMBER.fullmatch(word) for word in words]
    return [float(match[1]) for match in found if match] if len(words) in (3, 4) and all(found) else []
