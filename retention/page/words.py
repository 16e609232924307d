"""The page's words, in Latvian and in English: (lv, en) for each."""

from collections.abc import Mapping
from typing import Literal

from retention import bundle

Language = Literal["lv", "en"]
Words = tuple[str, str]

TITLE = "Vai ieraksti izdzēsti laikā?", "Were the recordings erased in time?"
EYEBROW = (
    "Pārbaudāms izraksts no ierakstu dzēšanas žurnāla",
    "Extract from the erasure ledger, to be verified",
)
RECORDED = "Ieraksti, kas tapuši", "Recordings made"
MADE = "Izraksts sagatavots", "Extract made"
STORES = "Glabātuvju skaits", "Stores"
SELF = "Latviski", "English"

SEEN = "Reģistrēto ierakstu skaits: {}.", "Recordings seen: {}."
GOOD = (
    (
        "Neviens nav izdzēsts priekšlaikus, neviens nav izdzēsts vai palicis pēc galējā termiņa, un"
        " neviens, ko bija aizliegts dzēst, nav zudis."
    ),
    (
        "None was erased early, none was erased or is left after the limit, and none that had to be"
        " kept was lost."
    ),
)
BAD: Mapping[str, Words] = {
    "early": ("Izdzēsti priekšlaikus: {}.", "Erased before they were due: {}."),
    "past_limit": ("Izdzēsti pēc galējā termiņa: {}.", "Erased after the limit: {}."),
    "still": (
        "Pēc galējā termiņa joprojām glabājas: {}.",
        "Still there after the limit: {}.",
    ),
    "lost": (
        "Zuduši, lai gan bija aizliegts dzēst: {}.",
        "Lost although they had to be kept: {}.",
    ),
    "blocked": (
        "Jādzēš, bet izdzēst neizdodas: {}.",
        "Due, and something keeps them from being erased: {}.",
    ),
    "imbalance": (
        "Dienas, kurās uzskaites bilance nesakrīt: {}.",
        "Days on which the double entry does not balance: {}.",
    ),
}
BACKLOG = (
    (
        "Nav ieskaitīti ieraksti, kuru termiņš bija pārsniegts jau pirms sistēmas ieviešanas un kuri"
        " izdzēsti, kad divi cilvēki to glabātuvē atļāva: {}."
    ),
    (
        "Not counted: {} that were past their limit before the system was installed, and went when"
        " two people activated their store."
    ),
)
GRACE = (
    (
        "Nav ieskaitīti ieraksti, kas pēc aizlieguma atcelšanas nogaida vienu dienu, lai kļūdu vēl"
        " varētu pamanīt: {}."
    ),
    (
        "Not counted: {} in the day of grace that ends a hold, so that a mistake can still be noticed."
    ),
)
BELIEVE = (
    "Tas ir pārziņa apgalvojums. Pārbaudiet to paši: vajadzīgs tikai Python un zemāk norādītā komanda.",
    "This is the operator's claim. Check it yourself: all it takes is Python and the command below.",
)

HOW = "Ko var pārbaudīt piecpadsmit minūtēs", "What can be checked in a quarter of an hour"
STEPS: tuple[Words, ...] = (
    (
        (
            "Pārbaudiet šo failu bez tīkla. PIN ir pirmā noteikumu dokumenta SHA-256; ņemiet to no"
            " pārziņa publiskotās vietas, nevis no šīs lapas."
        ),
        (
            "Verify this file without a network. PIN is the SHA-256 of the first policy document; take"
            " it from where the operator published it, not from this page."
        ),
    ),
    (
        "Izvēlieties vienu glabātuvi un pašu izdomātu numuru, un lieciet to pārlūkot savā klātbūtnē.",
        "Choose a store and a number of your own, and have the store listed while you look on.",
    ),
    (
        "Salīdziniet žurnālu ar to, ko pierakstījis neatkarīgs Prometheus serveris.",
        "Compare the ledger with what an independent Prometheus server wrote down.",
    ),
    (
        "Izvēlieties vienu dzēšanas aizliegumu un palūdziet uzrādīt lietu, uz kuru tas balstīts.",
        "Choose one hold and ask to be shown the case that it rests on.",
    ),
)
CLAIMED_PIN = "PIN, kā to uzrāda šis fails", "The PIN as this file has it"

PROMISE = "Kas ir apsolīts", "What was promised"
CLASS = "Ierakstu veids", "Class"
PERIOD = "Termiņš", "Period"
PURPOSE = "Nolūks un tiesiskais pamats", "Purpose and legal basis"
VALID = "Noteikumi spēkā no", "Policy in force from"
MAXIMUM = "ne ilgāk kā", "no longer than"
MINIMUM = "vismaz", "at least"
UNITS: Mapping[str, tuple[Words, Words]] = {
    "D": (("dienu", "day"), ("dienas", "days")),
    "W": (("nedēļu", "week"), ("nedēļas", "weeks")),
    "M": (("mēnesi", "month"), ("mēnešus", "months")),
    "Y": (("gadu", "year"), ("gadus", "years")),
}
"""Of one and of more, as they stand after "no longer than"."""


def unit(which: str, number: int, language: Language) -> str:
    """The unit of a period in its number: in Latvian 21 is one, and 11 is not."""
    if language == "lv":
        one = number % 10 == 1 and number % 100 != 11
        return UNITS[which][0 if one else 1][0]
    return UNITS[which][0 if number == 1 else 1][1]


VERSIONS = (
    "Noteikumu versijas: {}; katru parakstījuši divi iepriekšējā versijā nosauktie īpašnieki.",
    "Versions of the policy: {}; each signed by two owners whom the one before names.",
)

BECAME = "Kas ar ierakstiem noticis", "What became of them"
BECAME_NOTE = (
    "Katrs reģistrētais ieraksts ir tieši vienā stāvoklī; summai jāsakrīt.",
    "Each recording that was seen is in exactly one state; the sum has to agree.",
)
REGISTERED = "Reģistrēti", "Seen"
STATES: Mapping[str, Words] = {
    "present": ("vēl glabājas", "still there"),
    "held": ("ar dzēšanas aizliegumu", "held"),
    "restricted": ("apstrāde ierobežota (VDAR 18. p.)", "restricted (GDPR 18)"),
    "undated": ("bez datuma", "undated"),
    "late": ("saņemti novēloti", "late arrivals"),
    "blocked": ("nav izdzēšami", "cannot be erased"),
    "erased": ("izdzēsti", "erased"),
    "gone_elsewhere": ("izdzēsis kāds cits", "removed by others"),
    "lost": ("zuduši", "held and lost"),
    "unproven": ("glabātuve zudusi, dzēšana nav pierādāma", "on a store that is lost"),
    "superseded": ("pārskaitīti no jauna", "counted anew"),
}

WHEN = "Kad tie izdzēsti", "When they were erased"
WHEN_NOTE = (
    "Pēc apliecinājumiem žurnālā (kopā {}). Pašu noteiktais termiņš ir agrāks par galējo.",
    "By the certificates in the ledger ({} of them). The own target is earlier than the limit.",
)
TIMINGS: Mapping[str, Words] = {
    "early": ("priekšlaikus", "before they were due"),
    "in_time": ("laikā", "in time"),
    "postponed": (
        "vēlāk pamatota iemesla dēļ: bijis aizliegums, labojums vai novēlota saņemšana",
        "later, as a hold, a correction or a late arrival demanded",
    ),
    "overdue": (
        "pēc pašu noteiktā, bet pirms galējā termiņa",
        "after the own target, before the limit",
    ),
    "past_limit": ("pēc galējā termiņa", "after the limit"),
    "returned": (
        "atkārtoti, jo atgriezušies no rezerves kopijas",
        "again, after a backup had brought them back",
    ),
}

DAYS = "Diena pēc dienas", "Day by day"
DAYS_NOTE = (
    (
        "Cik ilgi katrā dienā stāvoklis bija kārtībā, pārkāpts vai nezināms. Nezināmais nekad netiek"
        " rādīts kā kārtībā esošs."
    ),
    (
        "How long on each day the state was well, violated or unknown. What is unknown is never shown"
        " as well."
    ),
)
OK, VIOLATED, UNKNOWN = ("kārtībā", "well"), ("pārkāpts", "violated"), ("nezināms", "unknown")
NO_DAYS = (
    "Žurnālā par šo laiku vēl nav nevienas pilnas dienas.",
    "The ledger has no whole day of this time yet.",
)
REASONS: Mapping[str, Words] = {
    "not_watched": ("neviens nevēroja", "nobody looked"),
    "silent": ("glabātuve klusē", "a store is silent"),
    "scan_stale": ("pārlūkots pārāk sen", "last scan too old"),
    "never_scanned": ("nav pārlūkots", "never scanned"),
    "not_activated": ("glabātuve tikai tiek vērota", "a store is only observed"),
    "not_enrolled": ("glabātuve nav pieslēgta", "a store is not enrolled"),
    "unconfirmed": ("dzēšana nav apstiprināta", "erasure not confirmed"),
    "time_unknown": ("ierīce nezināja laiku", "a machine did not know the time"),
    "overdue": ("nokavēts pašu noteiktais termiņš", "own target missed"),
    "past_limit": ("pārsniegts galējais termiņš", "limit passed"),
    "blocked": ("nav izdzēšams", "cannot be erased"),
    "lost": ("zudis aizliegtais dzēst", "a held recording lost"),
    "hold_pending": ("aizliegums vēl nav spēkā", "a hold not effective yet"),
    "clock": ("pulkstenis nav drošs", "a clock in doubt"),
    "our_clock": ("centra pulkstenis nav drošs", "the centre's clock in doubt"),
    "brake": ("dzēšana apturēta, jo neparasti daudz", "sweep braked"),
    "frozen": ("glabātuve iesaldēta", "a store is frozen"),
    "paused": ("dzēšana apturēta", "erasing paused"),
    "restored": ("gaida pēc atjaunošanas", "waiting after a restore"),
    "imbalance": ("uzskaite nesakrīt", "books do not balance"),
    "contradiction": ("ziņojumi ir pretrunīgi", "reports contradict"),
    "no_canary": ("nav dienas pārbaudes faila", "no canary of the day"),
    "canary_not_planted": ("pārbaudes failu nevar ierakstīt", "a canary cannot be written"),
    "unproven": (
        "glabātuve zudusi, dzēšana nav pierādāma",
        "a store is lost, nothing proves it erased",
    ),
    "root_missing": ("ieraksti nav sasniedzami", "recordings out of reach"),
    "disk_full": ("disks ir pilns", "a disk is full"),
    "from_backup": ("ieraksti no rezerves kopijas", "recordings came from a backup"),
    "log_refused": ("ziņojums nav pieņemts", "a report was refused"),
    "ledger_refused": ("žurnāls noraidīts", "a store refuses the ledger"),
    "policy_refused": ("noteikumi noraidīti", "a store refuses the policy"),
    "directive_refused": ("rīkojums noraidīts", "a store refuses the instruction"),
}

HOLDS = "Kas tiek glabāts ilgāk un kāpēc", "What is kept longer, and why"
HOLDS_NOTE = (
    "Ilgāk drīkst glabāt tikai paziņojuma 19. punktā nosauktu iemeslu dēļ. Aizliegumu atceļ divi cilvēki.",
    "Longer only for a ground of clause 19 of the notice. It takes two people to end a hold.",
)
HOLD_COLUMNS: tuple[Words, ...] = (
    ("Aizliegums", "Hold"),
    ("Iemesls", "Ground"),
    ("Noteikts", "Placed"),
    ("Pārskatāms līdz", "Review by"),
    ("Glabātuves (spēkā)", "Stores (effective)"),
    ("Ieraksti", "Recordings"),
    ("Stāvoklis", "State"),
)
GROUNDS: Mapping[str, Words] = {
    "crime": ("izmeklējams prettiesisks nodarījums", "unlawful act under investigation"),
    "dispute": ("strīds vai prasība", "dispute or claim"),
    "statute": ("cits likumā noteikts pamats", "another statutory ground"),
}
STANDING, RELEASED, UNCONFIRMED = (
    ("spēkā", "stands"),
    ("atcelts", "released"),
    ("gaida apstiprinājumu", "to be confirmed"),
)
NOTHING = "Nekas.", "Nothing."

ACTS = "Ko parakstījuši divi cilvēki", "What two people signed"
KINDS: Mapping[str, Words] = {
    "release": ("aizliegumu atcelšana", "releases of holds"),
    "erasure": ("priekšlaicīga dzēšana", "early erasures"),
    "correction": ("datuma vai veida labojumi", "corrections of a date or class"),
    "lift": ("apstrādes ierobežojuma atcelšana", "restrictions lifted"),
    "activation": ("dzēšanas sākšana glabātuvē", "activations of stores"),
    "brake-release": ("apturētas dzēšanas atļaušana", "releases of a brake"),
    "retirement": ("glabātuves izņemšana no lietošanas", "retirements of stores"),
    "restoration": ("ieraksti atjaunoti no kopijas", "recordings that came from a backup"),
    "thaw": ("iesaldētas glabātuves atlaišana", "frozen stores let go"),
}

WITNESS = "Ko redzējis liecinieks", "What the witness saw"
WITNESS_NOTE = (
    (
        "Pārziņa kopija no Prometheus servera pieraksta. Tā kaut ko pierāda tikai tad, ja ierakstus jautā"
        " pašam serverim: “auditor witness”."
    ),
    (
        "The operator's copy of a Prometheus server's record. It proves something only if the server"
        " itself is asked: “auditor witness”."
    ),
)
SIGHTINGS = "Redzēto žurnāla stāvokļu skaits", "Checkpoints of the ledger that were seen"
GAPS = "Pārtraukumi, kuros neviens neskatījās", "Gaps in which nobody looked"
MINUTES = "minūtes", "minutes"
ALARMS = "Trauksmes", "Alerts that fired"

RESCANS = "Kas atrasts glabātuvēs", "What was found on the stores"
RESCAN_COLUMNS: tuple[Words, ...] = (
    ("Numurs", "Number"),
    ("Glabātuve", "Store"),
    ("Kad", "When"),
    ("Faili", "Files"),
    ("Secinājums", "Verdict"),
)

BACKUPS = "Rezerves kopijas", "Backups"
BACKUPS_OF: Mapping[str, Words] = {
    "recordings": ("ieraksti", "recordings"),
    "index": ("centra indekss", "the centre's index"),
    "catalogue": ("glabātuves katalogs", "a store's catalogue"),
    "database": ("datubāze", "a database"),
}
LONGEST = "Ilgākais glabāšanas laiks", "Longest time"
NONE_REGISTERED = "Neviena nav reģistrēta.", "None is registered."
NO_RESCANS = "Neviens pārlūkošanas ziņojums nav iesniegts.", "No re-scan was handed in."
NOT_ASKED = "Nav jautāts.", "Not asked."

BOOKS = "Uzskaites bilance pa dienām", "Double entry, day by day"
BOOKS_NOTE = (
    "Reģistrēto skaits ir visu stāvokļu summa. Pa glabātuvēm: books.jsonl.",
    "What was seen is the sum of all states. Store by store: books.jsonl.",
)
DATE = "Datums", "Date"
OTHER = "citi", "others"
BALANCES = "sakrīt", "balances"

UNCHECKED = "Kas nav pārbaudīts", "What was not checked"
NOT_CHECKED: Mapping[str, str] = dict(
    zip(
        (
            *bundle.NOT_CHECKED,
            bundle.NO_BACKUPS,
            bundle.ONLY_REGISTERED_BACKUPS,
            bundle.NO_RESCANS,
            bundle.NO_WITNESS,
        ),
        (
            "kas patiesībā atrodas glabātuvē: to parāda “auditor rescan”, nejautājot pārzinim",
            "glabātuves, kas nekad nav pieslēgtas",
            "kāpēc kas tiek glabāts: reģistri ir pārziņa apgalvojums; lūdziet parādīt aizlieguma lietu",
            "vai citiem rādīts cits žurnāls: “auditor witness” jautā serverim, kas to vērojis",
            (
                "lēmumi, kuros nosaukti atsevišķi ieraksti: tie paliek pie pārziņa, līdz beidzies šo ierakstu"
                " termiņš; item-acts.jsonl ir to kontrolsummas"
            ),
            "rezerves kopijas: neviena nav reģistrēta, un tajās nekas netiek dzēsts",
            "rezerves kopijas: reģistrētais ir pārziņa apgalvojums, un neviens nav skatījies",
            "glabātuvju pārlūkošana: neviens ziņojums nav iesniegts",
            "liecinieks un trauksmes: pārziņa Prometheus serverim nav jautāts, vai tas neatbildēja",
        ),
        strict=True,
    )
)
"""The sentences of `bundle.not_checked` in Latvian."""
LEDGER = "Žurnāla jaunākais stāvoklis", "The newest checkpoint of the ledger"
LEAVES = "rindas", "entries"
