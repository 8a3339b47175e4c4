"""The eight invented artists: voices, mixing habits, and who sings which genre.

Artists and genres lie on a ring: every artist sings three genres in training and one held out,
every genre has three artists in training and one held out.
"""

from dataclasses import dataclass

from audiogen.config import nearest
from audiogen.errors import UserError
from audiogen.songbook.score import MixHabit, Voice


@dataclass(frozen=True)
class Artist:
    """One artist: what every track of theirs keeps, whatever the genre."""

    name: str
    voice: Voice
    mix: MixHabit
    trained: tuple[str, ...]  # genres of the training split
    held_out: str  # the genre that only tests hear

    @property
    def slug(self) -> str:
        """The name as it stands in file names."""
        return self.name.lower().replace(" ", "-")


def _voice(
    low: int,
    high: int,
    tract: float,
    vibrato: tuple[float, float, float],
    portamento: float,
    tilt_hz: float,
    breath: float,
    *,
    scoop: float = 0.0,
    presence_db: float = 6.0,
    formant_db: float = 0.0,
    jitter_cents: float = 3.0,
    double: bool = False,
) -> Voice:
    cents, hertz, delay = vibrato
    return Voice(
        low=low,
        high=high,
        tract=tract,
        vibrato_cents=cents,
        vibrato_hz=hertz,
        vibrato_delay=delay,
        portamento=portamento,
        tilt_hz=tilt_hz,
        breath=breath,
        jitter_cents=jitter_cents,
        scoop=scoop,
        presence_db=presence_db,
        formant_db=formant_db,
        double=double,
    )


def _mix(seed: int, reverb: tuple[float, float], vocal_db: float, tilt_db: float) -> MixHabit:
    return MixHabit(
        reverb_seconds=reverb[0],
        reverb_amount=reverb[1],
        vocal_db=vocal_db,
        master_tilt_db=tilt_db,
        instrument_seed=seed,
        ducking=False,
        delay_beats=0.0,
        vocal_drive=0.0,
    )


ARTISTS = (
    Artist(
        "Rowan Vale",
        _voice(46, 64, 1.00, (18, 5.4, 0.25), 0.07, 5500, 0.06),
        _mix(1, (0.7, 0.10), 2.5, 0.0),
        ("folk", "country", "blues"),
        "classical",
    ),
    Artist(
        "Mae Hollis",
        _voice(56, 73, 1.17, (25, 5.8, 0.25), 0.07, 4500, 0.08, jitter_cents=4.0),
        _mix(2, (1.3, 0.18), 2.0, -1.0),
        ("country", "blues", "jazz"),
        "electronic",
    ),
    Artist(
        "Otis Barlow",
        _voice(41, 60, 0.92, (35, 5.0, 0.25), 0.07, 5500, 0.05, scoop=0.7, formant_db=5.0),
        _mix(3, (0.9, 0.12), 3.0, -1.5),
        ("blues", "jazz", "classical"),
        "reggae",
    ),
    Artist(
        "Elena Marsh",
        _voice(58, 77, 1.20, (55, 5.6, 0.12), 0.09, 5500, 0.03, formant_db=8.0),
        _mix(4, (2.2, 0.24), 3.5, 0.5),
        ("jazz", "classical", "electronic"),
        "rock",
    ),
    Artist(
        "Iris Calder",
        _voice(55, 74, 1.14, (30, 6.0, 0.2), 0.05, 7000, 0.10, presence_db=9.0),
        _mix(5, (1.6, 0.20), 4.0, 1.0),
        ("classical", "electronic", "reggae"),
        "folk",
    ),
    Artist(
        "Neon Orchard",
        _voice(54, 71, 1.12, (0, 5.5, 0.25), 0.02, 9000, 0.02, jitter_cents=0.5),
        _mix(6, (1.8, 0.22), 2.0, 1.5),
        ("electronic", "reggae", "rock"),
        "country",
    ),
    Artist(
        "Dex Carver",
        _voice(
            *(44, 62, 0.96, (12, 5.4, 0.25), 0.07, 8000, 0.03),
            scoop=1.0,
            presence_db=10.0,
            jitter_cents=8.0,
        ),
        _mix(7, (0.5, 0.08), 1.0, 0.5),
        ("reggae", "rock", "folk"),
        "blues",
    ),
    Artist(
        "June Tarrant",
        _voice(53, 70, 1.08, (22, 5.2, 0.3), 0.06, 6500, 0.05, double=True),
        _mix(8, (1.0, 0.14), 2.5, 0.0),
        ("rock", "folk", "country"),
        "jazz",
    ),
)


def artist_named(name: str) -> Artist:
    """Return an artist by name, whatever the case.

    Raises:
        UserError: no such artist; names the nearest and all.
    """
    for artist in ARTISTS:
        if name.lower() in (artist.name.lower(), artist.slug):
            return artist
    known = [artist.name for artist in ARTISTS]
    raise UserError(f"no artist '{name}'{nearest(name, known)} Known: {', '.join(known)}")
