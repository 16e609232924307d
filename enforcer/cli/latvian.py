"""Latvian for what people are shown. Numbers stand where they need no ending.

The words are those of the inspector's page (retention/page/words.py): galējais termiņš = limit, pašu noteiktais
termiņš = own target, apliecinājums = certificate, dzēšanas aizliegums = hold, glabātuve = store, žurnāls = ledger.
"""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # states and words
    "ok": "kārtībā",
    "violated": "pārkāpts",
    "unknown": "nav zināms",
    "crime": "prettiesisks nodarījums",
    "dispute": "strīds",
    "statute": "cits likumā noteikts pamats",
    "never": "nekad",
    "There are none.": "Nav neviena.",
    # documents
    "Release hold {hold}: what it held goes when due, a day from now at the earliest.": (
        "Atcelt aizliegumu {hold}: ko tas sargāja, to dzēsīs termiņā, bet ne agrāk kā pēc dienas."
    ),
    "Erase {number} items now, before they are due:": "Izdzēst tūlīt, pirms termiņa, ierakstu skaits {number}:",
    "Lift the restriction of {number} items; the person was told {informed}:": (
        "Atcelt apstrādes ierobežojumu, ierakstu skaits {number}; personai paziņots {informed}:"
    ),
    "Let these stores erase {record_class}: {stores}.": "Atļaut dzēst {record_class} šajās glabātuvēs: {stores}.",
    "Of what was recorded until {through}, up to {count} items of each store may go at once.": (
        "No līdz {through} ierakstītā katrā glabātuvē uzreiz drīkst dzēst ne vairāk kā: {count}."
    ),
    "Release the brake of {store}: one sweep may erase up to {count} items until {until}.": (
        "Atlaist bremzi glabātuvē {store}: līdz {until} vienā reizē drīkst dzēst ne vairāk kā {count}."
    ),
    "Take store {store} out of service: its bytes are {how}.": (
        "Izņemt no lietošanas glabātuvi {store}; tās dati: {how}."
    ),
    "wiped": "izdzēsti",
    "destroyed": "iznīcināti",
    "lost": "zuduši",
    "The box of epoch {epoch} is store {store}; any other is not.": (
        "Iekārta ar epohu {epoch} ir glabātuve {store}; neviena cita tā nav."
    ),
    "What came to store {store} since {since} came from a backup: it is dated by what it says itself.": (
        "Kas glabātuvē {store} nonācis kopš {since}, ir no rezerves kopijas: datumu nosaka pēc paša ieraksta."
    ),
    "What is due by that goes a day from now at the earliest.": (
        "Kam pēc tā pienācis termiņš, to dzēsīs ne agrāk kā pēc dienas."
    ),
    "Until all of it was swept, nothing there is called in order.": (
        "Kamēr dzēšana nav to visu izgājusi, nekas tur netiek saukts par kārtībā esošu."
    ),
    "Correct {number} items:": "Labot, ierakstu skaits {number}:",
    "they began {moment};": "tie sākušies {moment};",
    "they are of class {record_class};": "to veids ir {record_class};",
    "recorded {moment} or later": "ierakstīts {moment} vai vēlāk",
    "The ledger goes on after a loss; its last known checkpoint: {size} entries, {root}.": (
        "Žurnāls turpinās pēc zuduma. Pēdējais zināmais stāvoklis aptver {size} rindas: {root}."
    ),
    "Reason: {reason}": "Pamatojums: {reason}",
    "Reason: shredded; {commitment}": "Pamatojums iznīcināts; {commitment}",
    "Sign this? [y/N] ": "Parakstīt? [j/N] ",
    "{id} is proposed. A second person ({roles}) signs it: enforcer approve {id}": (
        "{id} ir ierosināts. To paraksta otrs cilvēks ({roles}): enforcer approve {id}"
    ),
    "{id} is {state}; signed by {people}.": "{id}: {state}; parakstījuši {people}.",
    "To be carried out by {stores}.": "Vēl jāizpilda: {stores}.",
    "Put it in force: enforcer policy publish {id}": "Lai tas stātos spēkā: enforcer policy publish {id}",
    "proposed": "ierosināts",
    "approved": "apstiprināts",
    "applied": "piemērots",
    "withdrawn": "atsaukts",
    "DOCUMENT": "DOKUMENTS",
    "PROPOSED": "IEROSINĀTS",
    "SIGNED BY": "PARAKSTĪJUŠI",
    "NEEDS ONE OF": "VAJAG VIENU NO",
    "WAITING FOR": "GAIDA",
    # history
    "WHEN": "KAD",
    "WHO": "KAS",
    "DID": "DARĪJA",
    "TO": "AR KO",
    # items
    "ITEM": "IERAKSTS",
    "SOURCE": "AVOTS",
    "BEGAN": "SĀKUMS",
    "DATED BY": "DATUMS PĒC",
    "SECONDS": "SEKUNDES",
    "BYTES": "BAITI",
    "GOES FROM": "DZĒŠ NO",
    "present": "glabājas",
    "held": "aizliegts dzēst",
    "restricted": "apstrāde ierobežota",
    "a week after it was seen": "nedēļu pēc ieraudzīšanas",
    "held by {holds}": "dzēšanas aizliegumi: {holds}",
    "goes from {due} on; own target {target}; limit {limit}": (
        "dzēsīs no {due}; pašu noteiktais termiņš {target}; galējais termiņš {limit}"
    ),
    "{name} is on its way to the stores: kept from when they acknowledge it, and not used.": (
        "{name} ir ceļā uz glabātuvēm: no apstiprinājuma brīža ierakstus sargā un neizmanto."
    ),
    "It is on {items}.": "Tas attiecas uz: {items}.",
    # stores
    "GROUP": "GRUPA",
    "CREDENTIAL": "PIEKĻUVE",
    "LAST SEEN": "SAZINĀJĀS",
    "LAST SCAN": "PĀRLŪKOTA",
    "BRAKE": "BREMZE",
    # enforcer status
    "{record_class}: {state}{since}; {proven} of {total} stores proven": (
        "{record_class}: {state}{since}; pierādītas {proven} no {total} glabātuvēm"
    ),
    "; {unproven} not, since {moment}": "; nav pierādītas: {unproven}, kopš {moment}",
    " since {moment}": " kopš {moment}",
    "this moment": "šī brīža",
    "proven until {moment}": "pierādīts līdz {moment}",
    "{number} erased in part": "daļēji izdzēsti: {number}",
    "and {more} more: --all": "un vēl {more}: --all",
    "No such store is enrolled: nothing is known.": ("Šādas glabātuves nav: nekas nav zināms."),
    "STORE": "GLABĀTUVE",
    "CLASS": "VEIDS",
    "STATE": "STĀVOKLIS",
    "WHY": "KĀPĒC",
    # holds
    "{id}  {ground} (clause {clause}), placed {moment}": (
        "{id}  {ground} ({clause}. punkts), noteikts {moment}"
    ),
    "keeps {scope}": "aizliegts dzēst: {scope}",
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
    "of one number (key {keys}), ": "viens tālruņa numurs (atslēga {keys}), ",
    "{begins} to {ends}": "no {begins} līdz {ends}",
    "; gone before: {gone}": "; izdzēsti pirms tam: {gone}",
    "effective since {moment}, {items} items{gone}": (
        "spēkā kopš {moment}, ierakstu skaits: {items}{gone}"
    ),
    "a person who confirms it": "cilvēks, kas to apstiprina",
    "already gone": "jau izdzēsts",
    "retired": "glabātuve izņemta no lietošanas",
    "pending": "vēl nav spēkā",
    "nothing known there falls due": "nav zināms nekas, kam tur pienāktu dzēšanas laiks",
    "next deletion there at {moment} or later": "nākamā dzēšana tur {moment} vai vēlāk",
    "PENDING, not effective: last seen {moment}; {next_one}": (
        "GAIDA, vēl nav spēkā: pēdējoreiz sazinājās {moment}; {next_one}"
    ),
    "{items} of {day}": "{items} ({day})",
    # hold list
    "HOLD": "AIZLIEGUMS",
    "GROUND": "IEMESLS",
    "CASE": "LIETA",
    "OWNER": "ATBILD",
    "SITE": "VIETA",
    "PLACED": "NOTEIKTS",
    "REVIEW": "JĀPĀRSKATA",
    "STORES": "GLABĀTUVES",
    "ATTENTION": "JĀIEVĒRO",
    "{stores}, {pending} pending": "{stores}, vēl nav spēkā: {pending}",
    "released": "atcelts",
    "marked where it was recorded: confirm or release it": (
        "atzīmēts ieraksta vietā: apstipriniet vai atceliet"
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
    "would go, were its store activated": "tiktu dzēsti, ja glabātuve būtu aktivizēta",
    "Nothing is to go until {moment}.": "Līdz {moment} nekas nav jādzēš.",
    "BRAKE: {store} would have {due} due, {allowed} are usual": (
        "BREMZE: {store} būtu jādzēš {due}, parasti {allowed}"
    ),
    # preview
    "{between}, nothing is held by looking:": "{between}; apskatot nekas netiek aizliegts:",
    "{store} ({site}), last seen {moment}": "{store} ({site}), pēdējoreiz sazinājās {moment}",
    "no recording {between}": "nav ierakstu {between}",
    "last complete scan began {moment}: there may be more that is not reported yet": (
        "pēdējā pilnā pārlūkošana sākās {moment}: var būt vēl kas, par ko nav ziņots"
    ),
    "{items} go from {moment} on, if not held": (
        "ierakstu skaits, ko dzēsīs no {moment}, ja to neaizliedz: {items}"
    ),
    "already gone, whatever the hour: {gone}": "jau izdzēsti, neatkarīgi no stundas: {gone}",
    "{items} items": "ierakstu skaits: {items}",
    "{undated} of them undated": "no tiem bez datuma: {undated}",
    "{held} held already": "jau ar dzēšanas aizliegumu: {held}",
    "and {shorter} shorter pauses": "un īsāki pārtraukumi: {shorter}",
    # certificate
    "There is no certificate of that day: nothing of it was erased, or none was made yet.": (
        "Par šo dienu nav neviena apliecinājuma: nekas no tās nav izdzēsts, vai tas vēl nav izdots."
    ),
    "{moment}: {items} items: {outcomes}": "{moment}: ierakstu skaits {items}: {outcomes}",
    "erased, and seen to be gone": "izdzēsti un pārbaudīti",
    "gone before": "jau agrāk nebija",
    "due": "pienācis laiks",
    "two people asked for it": "divu cilvēku lūgums",
    "undated": "bez datuma",
    "late arrival": "vēlu saņemti",
    "back from a backup": "atgriezušies no kopijas",
    "before it was due": "priekšlaikus",
    "in time": "laikā",
    "later, with a reason": "vēlāk, ar pamatojumu",
    "after our own target": "pēc pašu noteiktā termiņa",
    "after the limit": "pēc galējā termiņa",
    "again": "atkārtoti",
    "{count} certificates, each proved to be in the ledger.": (
        "Apliecinājumu skaits: {count}; par katru pierādīts, ka tas ir žurnālā."
    ),
}

#: Of a reason by its word.
REASONS: Mapping[str, str] = {
    "past_limit": "galējais termiņš pārsniegts, ierakstu skaits: {number}",
    "overdue": "nokavēts pašu noteiktais termiņš, ierakstu skaits: {number}",
    "blocked": "nevar izdzēst, ierakstu skaits: {number}",
    "lost": "ierakstus ar dzēšanas aizliegumu izdzēsis kāds cits, skaits: {number}",
    "unconfirmed": "bija jābūt izdzēstiem, bet glabātuve nav ziņojusi, ierakstu skaits: {number}",
    "time_unknown": "var būt nokavēti, jo ierīce, kas tos ieraudzīja, nezināja laiku, ierakstu skaits: {number}",
    "unproven": "glabātuve ir zudusi, un tās ierakstu dzēšana nav pierādīta, skaits: {number}",
    "imbalance": "šīs glabātuves uzskaite nesakrīt",
    "not_enrolled": "tās aģents vēl nav pieteicies",
    "not_activated": "to tikai novēro: divi cilvēki to vēl nav aktivizējuši",
    "our_clock": "tā sazinājās nākotnē: mūsu pašu pulkstenis ir pagriezts atpakaļ",
    "silent": "no tās nekas nav dzirdēts 7 dienas",
    "never_scanned": "tā nekad nav pilnībā pārlūkota",
    "scan_stale": "pēdējā pilnā pārlūkošana ir senāka par 12 stundām",
    "hold_pending": "dzēšanas aizliegumi tur vēl nav spēkā, skaits: {number}",
    "no_canary": "tur nav redzēts šodienas izmēģinājuma ieraksts",
    "frozen": "apturēta: {quoted}",
    "restored": "kopš mūsu atjaunošanas no kopijas tā vēl nav pateikusi, ko zina",
    "clock": "tās pulkstenis ir lēcis vai rāda nepareizi",
    "paused": "tās aģents neko nedzēš: tam pateikts, ka tā iekārta ir viena no divām",
    "brake": "tās dzēšana gaida: {quoted}",
    "log_refused": "tās ziņojums netika pieņemts: {quoted}",
    "contradiction": "tās ziņojums ir pretrunā ar to, kas par to zināms",
    "root_missing": "tās ieraksti nav sasniedzami: nav direktorijas vai krātuves",
    "disk_full": "tās disks ir pilns: nekas jauns netiek uzskaitīts, līdz būs vieta",
    "ledger_refused": "tās aģents noraida mūsu žurnālu: tas neturpina iepriekš redzēto",
    "policy_refused": "tās aģents noraida mūsu noteikumus: tie nav divu īpašnieku parakstīti",
    "directive_refused": "tās aģents noraida mūsu rīkojumu: tas ir vecāks par iepriekšējo vai nav mūsu parakstīts",
    "from_backup": "tās ieraksti atjaunoti no kopijas, un dzēšana vēl nav tos visus izgājusi",
    "canary_not_planted": "tur nevar ierakstīt nevienu failu: ko nevar ierakstīt, to nevar arī izdzēst",
}
