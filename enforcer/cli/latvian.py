"""Latvian for what people are shown. Numbers stand where they need no ending.

robeža = limit, mūsu mērķa laiks = own target, apliecinājums = certificate, saglabāšanas rīkojums = hold.
"""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # states and words
    "ok": "kārtībā",
    "violated": "pārkāpts",
    "unknown": "nav zināms",
    "crime": "noziedzīgs nodarījums",
    "dispute": "strīds",
    "statute": "cits likums",
    "never": "nekad",
    "There are none.": "Nav neviena.",
    # enforcer status
    "{record_class}: {state}{since}; {proven} of {total} stores proven": (
        "{record_class}: {state}{since}; pierādītas {proven} no {total} glabātavām"
    ),
    "; {unproven} not, since {moment}": "; nav pierādītas: {unproven}, kopš {moment}",
    " since {moment}": " kopš {moment}",
    "just now": "šī brīža",
    "proven until {moment}": "pierādīts līdz {moment}",
    "{number} erased in part": "daļēji izdzēsti: {number}",
    "and {more} more: --all": "un vēl {more}: --all",
    "STORE": "GLABĀTAVA",
    "CLASS": "KLASE",
    "STATE": "STĀVOKLIS",
    "WHY": "KĀPĒC",
    # holds
    "{id}  {ground} (clause {clause}), placed {moment}": (
        "{id}  {ground} ({clause}. punkts), noteikts {moment}"
    ),
    "keeps {scope}": "saglabā: {scope}",
    "case {case}": "lieta {case}",
    "under {citation}": "pamats: {citation}",
    "review on {day}": "jāpārskata {day}",
    "released {moment}": "atcelts {moment}",
    "still due by {moment}: {missing}": "vēl jāpapildina līdz {moment}: {missing}",
    "a case reference": "lietas numurs",
    "act and article": "likums un pants",
    "items {items}": "ieraksti {items}",
    "all sources": "visi avoti",
    "of {site}, ": "vietā {site}, ",
    "of one number (by {keys}), ": "viens tālruņa numurs (atslēgas: {keys}), ",
    "{begins} to {ends}": "no {begins} līdz {ends}",
    "; gone before: {gone}": "; izdzēsti pirms tam: {gone}",
    "effective since {moment}, {items} items{gone}": (
        "spēkā kopš {moment}, ierakstu skaits: {items}{gone}"
    ),
    "a person who confirms it": "cilvēks, kas to apstiprina",
    "already gone": "jau izdzēsts",
    "retired": "glabātava izņemta no lietošanas",
    "pending": "vēl nav spēkā",
    "nothing known there falls due": "nav zināms nekas, kam tur pienāktu dzēšanas laiks",
    "next deletion there at {moment} or later": "nākamā dzēšana tur {moment} vai vēlāk",
    "PENDING, not effective: last seen {moment}; {next_one}": (
        "GAIDA, vēl nav spēkā: pēdējoreiz sazinājās {moment}; {next_one}"
    ),
    "{items} of {day}": "{items} ({day})",
    # hold list
    "HOLD": "RĪKOJUMS",
    "GROUND": "PAMATS",
    "CASE": "LIETA",
    "OWNER": "ATBILD",
    "SITE": "VIETA",
    "PLACED": "NOTEIKTS",
    "REVIEW": "JĀPĀRSKATA",
    "STORES": "GLABĀTAVAS",
    "ATTENTION": "JĀIEVĒRO",
    "{stores}, {pending} pending": "{stores}, vēl nav spēkā: {pending}",
    "released": "atcelts",
    "marked by the locker's software: confirm or release it": (
        "atzīmējusi pakomāta programmatūra: apstipriniet vai atceliet"
    ),
    "no case reference after 72 hours": "pēc 72 stundām nav lietas numura",
    "its review is overdue": "nokavēta pārskatīšana",
    "no authority's reference after 30 days: review it": (
        "pēc 30 dienām nav iestādes dokumenta: pārskatiet"
    ),
    # forecast
    "FROM": "NO",
    "ITEMS": "IERAKSTI",
    "goes": "tiks dzēsti",
    "would go, were its store activated": "tiktu dzēsti, ja glabātava būtu aktivizēta",
    "Nothing is to go until {moment}.": "Līdz {moment} nekas nav jādzēš.",
    "BRAKE: {store} would have {due} due, {allowed} are usual": (
        "BREMZE: {store} būtu jādzēš {due}, parasti {allowed}"
    ),
    # preview
    "{between}, nothing is held by looking:": "{between}; apskatot nekas netiek saglabāts:",
    "{store} ({site}), last seen {moment}": "{store} ({site}), pēdējoreiz sazinājās {moment}",
    "no recording {between}": "nav ierakstu {between}",
    "last complete scan began {moment}: there may be more that is not reported yet": (
        "pēdējā pilnā pārlūkošana sākās {moment}: var būt vēl kas, par ko nav ziņots"
    ),
    "{items} go from {moment} on, if not held": (
        "ierakstu skaits, ko dzēsīs no {moment}, ja tos nesaglabā: {items}"
    ),
    "already gone, whatever the hour: {gone}": "jau izdzēsti, neatkarīgi no stundas: {gone}",
    "{items} items": "ierakstu skaits: {items}",
    "{undated} of them undated": "no tiem bez datuma: {undated}",
    "{held} held already": "jau saglabāti: {held}",
    # certificate
    "{moment}: {items} items: {outcomes}": "{moment}: ierakstu skaits {items}: {outcomes}",
    "erased_verified": "izdzēsti un pārbaudīti",
    "already_absent": "jau agrāk nebija",
    "due": "pienācis laiks",
    "erasure": "divu cilvēku lūgums",
    "undated": "bez datuma",
    "late": "vēlu saņemti",
    "zombie": "atgriezušies no kopijas",
    "in_time": "laikā",
    "overdue": "pēc mūsu mērķa laika",
    "past_limit": "pēc robežas",
    "{count} certificates, each proved to be in the ledger.": (
        "Apliecinājumu skaits: {count}; par katru pierādīts, ka tas ir reģistrā."
    ),
}

#: Of a reason by its word.
REASONS: Mapping[str, str] = {
    "past_limit": "robeža pārsniegta, ierakstu skaits: {number}",
    "overdue": "nokavēts mūsu mērķa laiks, ierakstu skaits: {number}",
    "blocked": "nevar izdzēst, ierakstu skaits: {number}",
    "lost": "saglabājamus ierakstus izdzēsis kāds cits, skaits: {number}",
    "unconfirmed": "bija jābūt izdzēstiem, bet glabātava nav ziņojusi, ierakstu skaits: {number}",
    "time_unknown": "var būt nokavēti, jo ierīce, kas tos ieraudzīja, nezināja laiku, ierakstu skaits: {number}",
    "unproven": "glabātava ir zudusi, un tās ierakstu dzēšana nav pierādīta, skaits: {number}",
    "imbalance": "šīs glabātavas uzskaite nesakrīt",
    "not_enrolled": "tās aģents vēl nav pieteicies",
    "not_activated": "to tikai novēro: divi cilvēki to vēl nav aktivizējuši",
    "our_clock": "tā sazinājās nākotnē: mūsu pašu pulkstenis ir pagriezts atpakaļ",
    "silent": "no tās nekas nav dzirdēts 7 dienas",
    "never_scanned": "tā nekad nav pilnībā pārlūkota",
    "scan_stale": "pēdējā pilnā pārlūkošana ir senāka par 12 stundām",
    "hold_pending": "saglabāšanas rīkojumi tur vēl nav spēkā, skaits: {number}",
    "no_canary": "tur nav redzēts šodienas izmēģinājuma ieraksts",
    "frozen": "apturēta: {quoted}",
    "restored": "kopš mūsu atjaunošanas no kopijas tā vēl nav pateikusi, ko zina",
    "clock": "tās pulkstenis ir lēcis vai rāda nepareizi",
    "paused": "tās aģents neko nedzēš: tam tā likts, vai tas ir izņemts no lietošanas",
    "brake": "tās dzēšana gaida: {quoted}",
    "log_refused": "tās ziņojums netika pieņemts: {quoted}",
    "contradiction": "tās ziņojums ir pretrunā ar to, kas par to zināms",
    "root_missing": "tās ieraksti nav sasniedzami: nav direktorijas vai krātuves",
    "disk_full": "tās disks ir pilns: nekas jauns netiek uzskaitīts, līdz būs vieta",
    "ledger_refused": "tās aģents noraida mūsu reģistru: tas neturpina iepriekš redzēto",
    "policy_refused": "tās aģents noraida mūsu noteikumus: tie nav divu īpašnieku parakstīti",
    "directive_refused": "tās aģents noraida mūsu rīkojumu: tas ir vecāks par iepriekšējo vai nav mūsu parakstīts",
    "from_backup": "tās ieraksti atjaunoti no kopijas, un dzēšana vēl nav tos visus izgājusi",
    "canary_not_planted": "tur nevar ierakstīt nevienu failu: ko nevar ierakstīt, to nevar arī izdzēst",
}
