"""What each expression is called: the phrasings that captions are drawn from, and those that training never sees.

`[a|b]` is a choice. `{very}`, `{lots}`, `{big}` and `{far}` are filled by intensity: before an adjective, after a verb, before a
noun, before a direction.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wording:
    """The phrasings of one expression. `plain` ones without a slot say nothing of intensity."""

    plain: tuple[str, ...]
    slight: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()


SLOTS: dict[str, dict[str, tuple[str, ...]]] = {
    "very": {
        "slight": ("slightly", "a little", "a bit", "somewhat", "mildly", "faintly"),
        "strong": ("very", "extremely", "really", "strongly", "intensely", "terribly"),
    },
    "lots": {
        "slight": ("slightly", "a little", "a bit", "faintly", "gently", "softly"),
        "strong": ("a lot", "very much", "strongly", "intensely", "hard", "with all might"),
    },
    "big": {
        "slight": ("slight", "faint", "small", "subtle", "little"),
        "strong": ("big", "strong", "clear", "marked", "pronounced", "intense"),
    },
    "far": {
        "slight": ("slightly", "a little", "a bit", "somewhat", "not far"),
        "strong": ("far", "very far", "all the way", "strongly", "sharply"),
    },
}
FACE = "[face|look|expression|air]"
BROWS = "[eyebrows|brows]"


def _toward(words: Wording, way: str) -> Wording:
    """Phrasings with a direction put in for `WAY`."""
    lists = (words.plain, words.slight, words.strong, words.held_out)
    return Wording(*(tuple(phrase.replace("WAY", way) for phrase in phrases) for phrases in lists))


LOOK = Wording(
    plain=(
        "[looking|glancing|gazing|peeking] {far} WAY",
        "the eyes {far} WAY",
        "eyes [turned|directed|shifted|pointed] {far} WAY",
        "look {far} WAY",
        "the gaze {far} WAY",
        "with a {big} glance WAY",
        "keeping the eyes {far} WAY",
    ),
    slight=("a short look WAY", "almost looking WAY"),
    strong=("looking WAY as far as the eyes go", "eyes WAY in the corners"),
    held_out=("glances {far} WAY", "the eyes wander {far} WAY", "shifting the gaze {far} WAY"),
)
TURN = Wording(
    plain=(
        "[head|face] [turned|rotated|swivelled] {far} WAY",
        "[turning|rotating|swivelling] the [head|face] {far} WAY",
        "facing {far} WAY",
        "[turning|turned|turn] {far} WAY",
        "with the head turned {far} WAY",
        "turn your head {far} WAY",
        "with a {big} turn of the head WAY",
    ),
    slight=("head turned a touch WAY",),
    strong=("head turned well WAY", "nearly in profile WAY"),
    held_out=("turns the head {far} WAY", "the face rotates {far} WAY", "a {big} rotation of the head WAY"),
)
TILT = Wording(
    plain=(
        "head [tilted|inclined|cocked|leaning|slanted|tipped] {far} WAY",
        "[tilting|leaning|inclining|tipping] the head {far} WAY",
        "with a {big} tilt of the head WAY",
        "with the head tilted {far} WAY",
        "tilt your head {far} WAY",
    ),
    slight=("head tilted a touch WAY",),
    strong=("head lying on the shoulder WAY",),
    held_out=("tilts the head {far} WAY", "the head leans {far} WAY", "a {big} inclination of the head WAY"),
)
LEFT, RIGHT = (f"[to the {side}|{side}|{side}ward|to the {side} side|toward the {side}]" for side in ("left", "right"))
UP = "[up|upward|upwards|to the ceiling|at the sky|above]"
DOWN = "[down|downward|downwards|to the ground|at the floor|below]"

WORDING: dict[str, Wording] = {
    "smile": Wording(
        plain=(
            "[smiling|grinning] {lots}",
            "with a {big} [smile|grin]",
            "a {big} happy smile",
            "{very} [happy|cheerful|pleased|glad|friendly|joyful|merry|delighted|content]",
            f"with a {{very}} [happy|warm|sunny|cheerful|friendly] {FACE}",
            "in a {very} good mood",
            "smile {lots}",
            "mouth corners pulled up {lots}",
        ),
        slight=("with a hint of a smile", "almost smiling", "with half a smile", "the trace of a smile"),
        strong=(
            "smiling broadly",
            "beaming",
            "beaming with joy",
            "with a wide smile",
            "radiant",
            "overjoyed",
            "all smiles",
        ),
        held_out=("grins {lots}", "full of {big} happiness", "{very} cheerfully smiling", "a {very} joyous face"),
    ),
    "laugh": Wording(
        plain=(
            "[laughing|chuckling|giggling] {lots}",
            "with a {big} [laugh|giggle|chuckle]",
            "{very} amused",
            "laugh {lots}",
            "with {big} laughter",
            "having {big} fun and laughing",
        ),
        slight=("chuckling quietly", "with a short laugh", "laughing under the breath", "giggling a tiny bit"),
        strong=(
            "laughing out loud",
            "roaring with laughter",
            "bursting with laughter",
            "cracking up",
            "in fits of laughter",
        ),
        held_out=("laughs {lots}", "giggles {lots}", "in {big} amusement"),
    ),
    "sad": Wording(
        plain=(
            "{very} [sad|unhappy|sorrowful|gloomy|miserable|mournful|dejected|melancholy|tearful|depressed]",
            f"with a {{very}} [sad|gloomy|miserable|sorrowful] {FACE}",
            "grieving {lots}",
            "with {big} [sorrow|sadness|grief]",
            "in {very} low spirits",
            "mouth corners pulled down {lots}",
            "moping {lots}",
        ),
        slight=("with a touch of sadness", "wistful", "a shade of sorrow", "a trifle blue"),
        strong=("heartbroken", "close to tears", "in despair", "about to cry", "crushed with grief", "weeping"),
        held_out=("{very} saddened", "gloomily and {very} unhappily", "{big} misery"),
    ),
    "angry": Wording(
        plain=(
            "{very} [angry|cross|annoyed|irritated|mad|hostile|indignant|grumpy]",
            f"with a {{very}} [angry|cross|hostile|fierce] {FACE}",
            "[scowling|glaring] {lots}",
            "with {big} anger",
            "with a {big} scowl",
        ),
        slight=("with a touch of anger", "a trifle cross", "peeved", "a shade of irritation"),
        strong=("furious", "enraged", "full of rage", "boiling with anger", "livid", "in a fury", "outraged"),
        held_out=("scowls {lots}", "{very} angered", "with {big} annoyance"),
    ),
    "surprised": Wording(
        plain=(
            "{very} [surprised|astonished|amazed|startled|stunned|shocked|baffled]",
            f"with a {{very}} [surprised|astonished|startled] {FACE}",
            "with {big} [surprise|astonishment|wonder]",
            "marvelling {lots}",
        ),
        slight=("with a touch of surprise", "a trifle puzzled", "taken aback"),
        strong=("thunderstruck", "dumbfounded", "flabbergasted", "speechless with surprise", "unable to believe it"),
        held_out=("with {big} amazement", "in a {big} shock", "looks {very} astonished"),
    ),
    "disgusted": Wording(
        plain=(
            "{very} [disgusted|repelled|repulsed|revolted|nauseated|sickened]",
            f"with a {{very}} [disgusted|revolted] {FACE}",
            "wrinkling the nose {lots}",
            "nose wrinkled {lots}",
            "sneering {lots}",
            "with {big} disgust",
            "with a {big} sneer",
            "grimacing {lots} at a bad smell",
        ),
        slight=("with a touch of distaste", "with a trace of aversion", "hardly hiding disgust"),
        strong=("full of disgust", "filled with loathing", "feeling sick", "about to vomit"),
        held_out=("sneers {lots}", "with {big} revulsion and disgust", "wrinkles the nose {lots}"),
    ),
    "afraid": Wording(
        plain=(
            "{very} [afraid|scared|frightened|fearful|anxious|worried|nervous|alarmed|uneasy]",
            f"with a {{very}} [frightened|scared|fearful|worried] {FACE}",
            "with {big} [fear|fright|worry]",
            "trembling {lots} with fear",
        ),
        slight=("with a touch of worry", "ill at ease", "with a hint of unease", "timid"),
        strong=("terrified", "in panic", "horrified", "petrified", "scared to death", "in terror", "full of horror"),
        held_out=("{very} fearfully", "with {big} anxiety", "a {big} scare on the face"),
    ),
    "neutral": Wording(
        plain=(
            "{very} [neutral|calm|relaxed|composed|serene|placid|peaceful|impassive|indifferent|serious|sober]",
            f"with a {{very}} [neutral|calm|blank|composed|plain] {FACE}",
            "at ease",
            "at rest",
            "deadpan",
            "expressionless",
            "with a straight face",
            "with a poker face",
            "showing no emotion",
            "nothing in the face",
        ),
        held_out=(
            "{very} calmly",
            "emotionless and {very} relaxed",
            "with {big} calmness",
            "keeping a {very} straight face",
        ),
    ),
    "brows_up": Wording(
        plain=(
            f"{BROWS} [raised|lifted|up|arched] {{lots}}",
            f"with {{very}} [raised|arched|lifted|high] {BROWS}",
            f"[raising|lifting|arching] the {BROWS} {{lots}}",
            f"[raise|lift] your {BROWS} {{lots}}",
        ),
        slight=("eyebrows a touch higher", "a twitch of the eyebrows upward"),
        strong=("eyebrows shot up", "eyebrows up to the hairline", "brows as high as they go"),
        held_out=("raises both eyebrows {lots}", "a {big} lift of the brows", "brows in a {very} raised position"),
    ),
    "brows_down": Wording(
        plain=(
            f"{BROWS} [lowered|furrowed|knitted|contracted] {{lots}}",
            f"{BROWS} drawn together {{lots}}",
            f"[lowering|furrowing|knitting|contracting] the {BROWS} {{lots}}",
            f"with {{very}} [furrowed|lowered|knitted] {BROWS}",
            "frowning {lots}",
            "with a {big} frown",
            "forehead creased {lots}",
        ),
        slight=("with a hint of a frown", "the shadow of a frown"),
        strong=("frowning deeply", "brows squeezed together", "with a deep frown"),
        held_out=("frowns {lots}", "furrows the brows {lots}", "{big} creases between the brows"),
    ),
    "eyes_wide": Wording(
        plain=(
            "eyes {very} wide",
            "eyes {very} wide open",
            "with {very} [wide|big|round] eyes",
            "{very} wide-eyed",
            "widening the eyes {lots}",
            "opening the eyes {very} wide",
            "staring {lots}",
            "open your eyes {very} wide",
        ),
        slight=("eyes a touch wider", "eyes opened more than usual"),
        strong=("eyes popping", "with bulging eyes", "eyes like saucers", "with enormous eyes"),
        held_out=("stares {lots} with open eyes", "{very} widened eyes", "eyes that open {very} widely"),
    ),
    "squint": Wording(
        plain=(
            "squinting {lots}",
            "with a {big} squint",
            "eyes narrowed {lots}",
            "narrowing the eyes {lots}",
            "with {very} [narrow|narrowed] eyes",
            "eyelids [tightened|pinched] {lots}",
            "pinching the eyes {lots}",
            "squint {lots}",
        ),
        slight=("eyelids a touch lower", "a trace of a squint"),
        strong=("eyes narrowed to slits", "eyes nearly closed", "screwing up the eyes"),
        held_out=("squints {lots}", "eyes {very} squinted", "a {big} narrowing of the eyelids"),
    ),
    "wink": Wording(
        plain=(
            "winking {lots}",
            "with a {big} wink",
            "one eye [closed|shut] {lots}",
            "[closing|shutting] one eye {lots}",
            "close one eye {lots}",
            "wink {lots}",
        ),
        slight=("one eye half shut", "nearly winking", "one eye partly closed"),
        strong=("one eye shut tight", "one eye fully closed", "winking boldly"),
        held_out=("winks {lots}", "closes a single eye {lots}", "one of the eyes is shut {lots}"),
    ),
    "blink_often": Wording(
        plain=(
            "blinking [often|frequently|rapidly|repeatedly|constantly|quickly]",
            "blinking again and again",
            "with frequent blinks",
            "eyelids fluttering {lots}",
            "fluttering the eyelids {lots}",
            "batting the lashes {lots}",
            "blink often",
            "blinking {very} often",
        ),
        slight=("blinking more than usual", "blinking now and then"),
        strong=("blinking all the time", "blinking without pause", "blinking nonstop"),
        held_out=("blinks frequently", "flutters the eyelids {lots}", "the eyelids blink {very} rapidly"),
    ),
    "look_left": _toward(LOOK, LEFT),
    "look_right": _toward(LOOK, RIGHT),
    "look_up": _toward(LOOK, UP),
    "look_down": _toward(LOOK, DOWN),
    "turn_left": _toward(TURN, LEFT),
    "turn_right": _toward(TURN, RIGHT),
    "tilt_left": _toward(TILT, LEFT),
    "tilt_right": _toward(TILT, RIGHT),
    "nod": Wording(
        plain=(
            "nodding {lots}",
            "with a {big} nod",
            "nodding [yes|in agreement|in approval] {lots}",
            "saying yes with the head",
            "[bobbing|moving] the head up and down {lots}",
            "agreeing {lots} by a nod",
            "nod {lots}",
        ),
        slight=("a tiny yes with the head", "barely nodding"),
        strong=("nodding vigorously", "nodding eagerly", "nodding energetically"),
        held_out=("nods {lots}", "the head bobs up and down {lots}", "an agreeing, {big} nod of the head"),
    ),
    "shake": Wording(
        plain=(
            "shaking the head {lots}",
            "head shaking {lots}",
            "with a {big} shake of the head",
            "[moving|swinging|wagging] the head from side to side {lots}",
            "saying no with the head",
            "[refusing|disagreeing|denying] {lots} with the head",
            "shake your head {lots}",
        ),
        slight=("barely shaking the head", "a tiny no with the head"),
        strong=("shaking the head vigorously", "shaking the head energetically"),
        held_out=(
            "shakes the head {lots}",
            "head moves from side to side {lots}",
            "in {big} disagreement, head shaken",
        ),
    ),
    "mouth_wide": Wording(
        plain=(
            "[speaking|talking] with the mouth {very} wide",
            "[speaking|talking] with a {very} wide open mouth",
            "opening the mouth {very} wide",
            "articulating {very} [clearly|distinctly]",
            "over-articulating {lots}",
            "exaggerating the lips {lots}",
            "[shouting|yelling] {lots}",
            "mouth {very} wide open",
            "speak with your mouth {very} wide",
        ),
        slight=("opening the mouth a little more than usual", "lips moving a bit more than usual"),
        strong=("mouth as wide as it goes", "shouting at the top of the voice", "with huge mouth movements"),
        held_out=("speaks with {very} widely opened lips", "shouts {lots}", "{very} exaggerated articulation"),
    ),
    "mouth_small": Wording(
        plain=(
            "[speaking|talking] with the mouth barely open",
            "[mumbling|muttering|murmuring|whispering] {lots}",
            "hardly [moving|opening|parting] the [lips|mouth]",
            "lips nearly closed",
            "mouth almost shut",
            "{very} tight-lipped",
            "speaking through the teeth {lots}",
            "with {very} small mouth movements",
            "speak with your mouth barely open",
        ),
        slight=("opening the mouth less than usual", "lips moving less than usual"),
        strong=("with motionless lips", "lips sealed tight", "with the tiniest mouth movements"),
        held_out=(
            "mumbles {lots}",
            "talks with nearly closed, {very} tight lips",
            "barely opens the mouth, whispers {lots}",
        ),
    ),
}
