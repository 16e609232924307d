"""Signed notes and checkpoints: what others publish is read, what is damaged or forged is not."""

from base64 import b64decode, b64encode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from retention.errors import MalformedError, SignatureError
from retention.note import Checkpoint, Verifier, open_note, sign_note

# The example keys and note of golang.org/x/mod/sumdb/note; the seed is published there as well.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_KEY = SigningKey(b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:])
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
BY_PETER = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWL"
    "ox33WWd1RvMc+QQ=\n"
)
NOTE = f"{TEXT}\n{BY_PETER}"

# The example of c2sp.org/tlog-checkpoint.
SOFA = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

KEY = SigningKey(bytes(32))
NAME = "ledger.example/one"
VERIFIER = Verifier(NAME, bytes(KEY.verify_key))

printable = st.characters(blacklist_categories=["Cs"], min_codepoint=0x20)
texts = st.text(printable | st.just("\n")).map(lambda text: text + "\n")
lines = st.text(printable, min_size=1)
names = st.text(printable, min_size=1).filter(
    lambda name: not any(c.isspace() or c == "+" for c in name)
)
checkpoints = st.builds(
    Checkpoint,
    origin=lines,
    size=st.integers(0, 2**63 - 1),
    root=st.binary(min_size=32, max_size=32),
    extensions=st.lists(lines, max_size=3).map(tuple),
)


def test_signing_gives_the_published_note():
    assert NOTE == sign_note(TEXT, "PeterNeumann", PETER_KEY)


@pytest.mark.parametrize("key", [PETER, ENOCH])
def test_the_published_keys_read_and_write_the_same(key):
    assert key == str(Verifier.parse(key))


def test_a_private_key_belongs_to_its_published_verifier():
    assert Verifier.parse(PETER).public_key == bytes(PETER_KEY.verify_key)


@pytest.mark.parametrize("known", [[PETER], [ENOCH], [PETER, ENOCH], [ENOCH, PETER, PETER]])
def test_one_signature_of_a_known_key_opens_a_note_signed_by_two(known):
    assert TEXT == open_note(f"{TEXT}\n{BY_PETER}{BY_ENOCH}", map(Verifier.parse, known))


@pytest.mark.parametrize("known", [[], [ENOCH]])
def test_a_note_that_no_known_key_signed_is_not_opened(known):
    with pytest.raises(SignatureError, match="no key"):
        open_note(NOTE, map(Verifier.parse, known))


@pytest.mark.parametrize(
    "stranger",
    [
        Verifier("CarmenSandiego", bytes(PETER_KEY.verify_key)),
        Verifier("PeterNeumann", bytes(KEY.verify_key)),
    ],
    ids=["same key, other name", "same name, other key"],
)
def test_a_key_is_known_only_by_its_name_and_id_together(stranger):
    with pytest.raises(SignatureError, match="no key"):
        open_note(NOTE, [stranger])


def test_a_wrong_signature_of_a_known_key_spoils_what_another_signed_well():
    other_text = sign_note(TEXT + "!\n", "PeterNeumann", PETER_KEY).rpartition("\n\n")[2]

    with pytest.raises(SignatureError, match="PeterNeumann on this note is wrong"):
        open_note(f"{TEXT}\n{BY_ENOCH}{other_text}", [Verifier.parse(ENOCH), Verifier.parse(PETER)])
    assert TEXT == open_note(f"{TEXT}\n{BY_ENOCH}{other_text}", [Verifier.parse(ENOCH)])


@pytest.mark.parametrize("length", [1, 63, 65])
def test_a_signature_of_wrong_length_is_wrong(length):
    line = b64encode(VERIFIER.key_id + bytes(length)).decode()

    with pytest.raises(SignatureError):
        open_note(f"{TEXT}\n— {NAME} {line}\n", [VERIFIER])


def test_a_hundred_signatures_are_read_and_one_more_is_not():
    assert TEXT == open_note(f"{TEXT}\n{BY_PETER * 100}", [Verifier.parse(PETER)])
    with pytest.raises(MalformedError):
        open_note(f"{TEXT}\n{BY_PETER * 101}", [Verifier.parse(PETER)])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}{BY_PETER}",
        BY_PETER,
        NOTE[:-1],
        NOTE + BY_ENOCH[:-1],
        NOTE + "\n",
        NOTE + "Unexpected line.\n",
        NOTE.replace("\n", "\r\n"),
        f"\x01{NOTE}",
        f"\ud800{NOTE}",
        f"{TEXT}\n— Peter Neumann {BY_PETER.split()[2]}\n",
        NOTE.replace("PeterNeumann", "Peter+Neumann"),
        NOTE.replace("PeterNeumann", "Peter\u2003Neumann"),
        NOTE.replace("— ", "- "),
        NOTE.replace("AM=", "AN="),  # the same bytes, spelled otherwise
        NOTE.replace("=", ""),
        NOTE.replace("x08g", "x0-_"),
        f"{TEXT}\n{BY_PETER}— EnochRoot rwz+eA==\n",  # a key id and no signature
        f"{TEXT}\n{BY_PETER}— EnochRoot é\n",
    ],
)
def test_what_is_not_a_note_is_malformed(note):
    with pytest.raises(MalformedError):
        open_note(note, [Verifier.parse(PETER)])


@given(texts, names, st.binary(min_size=32, max_size=32))
def test_what_is_signed_opens_again(text, name, seed):
    key = SigningKey(seed)

    assert text == open_note(sign_note(text, name, key), [Verifier(name, bytes(key.verify_key))])


@given(st.data())
def test_no_character_of_a_signed_note_can_be_changed(data):
    note = sign_note(TEXT, NAME, KEY)
    at = data.draw(st.integers(0, len(note) - 1))
    changed = note[:at] + data.draw(st.characters()) + note[at + 1 :]
    assume(changed != note)

    with pytest.raises((MalformedError, SignatureError)):
        open_note(changed, [VERIFIER])


@given(st.data())
def test_nothing_can_be_left_out_of_a_signed_note(data):
    note = sign_note(TEXT, NAME, KEY)
    begin = data.draw(st.integers(0, len(note) - 1))
    end = data.draw(st.integers(begin + 1, len(note)))

    with pytest.raises((MalformedError, SignatureError)):
        open_note(note[:begin] + note[end:], [VERIFIER])


@given(st.text(st.characters() | st.sampled_from("\n— +=")))
def test_any_text_is_either_no_note_or_not_signed(text):
    with pytest.raises((MalformedError, SignatureError)):
        open_note(text, [VERIFIER])


@pytest.mark.parametrize("text", ["", "no newline", "a\tb\n", "a\rb\n", "\x00\n", "\udcff\n"])
def test_a_text_that_no_reader_would_take_is_not_signed(text):
    with pytest.raises(MalformedError):
        sign_note(text, NAME, KEY)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "a\x7f\x01", "\ud800"])
def test_a_name_that_would_not_stand_on_one_line_names_no_key(name):
    with pytest.raises(MalformedError):
        sign_note(TEXT, name, KEY)
    with pytest.raises(MalformedError):
        Verifier(name, bytes(32))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_public_key_has_32_bytes(length):
    with pytest.raises(MalformedError):
        Verifier(NAME, bytes(length))


def test_no_part_of_a_published_key_is_a_key():
    for begin in range(len(PETER)):
        for end in range(begin, len(PETER) + 1):
            if (begin, end) != (0, len(PETER)):
                with pytest.raises(MalformedError):
                    Verifier.parse(PETER[begin:end])


def test_no_character_of_a_published_key_can_be_changed():
    for at, character in enumerate(PETER):
        with pytest.raises(MalformedError):
            Verifier.parse(PETER[:at] + chr(ord(character) + 1) + PETER[at + 1 :])


@pytest.mark.parametrize(
    "key",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER.replace("c74f20a3", "C74F20A3"),
    ],
    ids=["too long, with its own id", "of an unknown type, with its own id", "upper case"],
)
def test_a_key_of_another_shape_is_no_key(key):
    with pytest.raises(MalformedError):
        Verifier.parse(key)


@given(names, st.binary(min_size=32, max_size=32))
def test_a_verifier_reads_back_as_itself(name, public_key):
    verifier = Verifier(name, public_key)

    assert verifier == Verifier.parse(str(verifier))


def test_the_published_checkpoint_reads_and_writes_the_same():
    checkpoint = Checkpoint.parse(SOFA)

    assert checkpoint.origin == "example.com/behind-the-sofa"
    assert checkpoint.size == 20_852_163
    assert checkpoint.root.hex().startswith("0ac5186a91863e8e1d90c808")
    assert checkpoint.extensions == ()
    assert SOFA == checkpoint.encode()


@given(checkpoints)
def test_a_checkpoint_reads_back_as_itself_through_a_signed_note(checkpoint):
    note = sign_note(checkpoint.encode(), NAME, KEY)

    assert checkpoint == Checkpoint.parse(open_note(note, [VERIFIER]))


@given(st.text(st.characters() | st.sampled_from("\n0A=")))
def test_any_text_is_a_checkpoint_spelled_the_one_way_or_malformed(text):
    for candidate in (text, f"o\n7\n{SOFA.splitlines()[2]}\n{text}"):
        try:
            checkpoint = Checkpoint.parse(candidate)
        except MalformedError:
            continue
        assert candidate == checkpoint.encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        SOFA[:-1],
        SOFA + "\n",
        SOFA + "extension",
        SOFA + "\nextension\n",
        "\n" + SOFA,
        SOFA.replace("example.com/behind-the-sofa", ""),
        *(
            SOFA.replace("20852163", size)
            for size in ("", "-1", "+1", "01", "1.0", " 1", "٣", "1_0")
        ),
        *(SOFA.replace("20852163", str(size)) for size in (2**63, 10**40)),
        SOFA.replace("q2I=", "q2J="),  # the same bytes, spelled otherwise
        SOFA.replace("q2I=", "q2I"),
        SOFA.replace("q2I=", "q2IA"),
        SOFA.replace("example", "exa\tmple"),
        SOFA.replace("\n", "\r\n"),
    ],
)
def test_what_is_not_a_checkpoint_is_malformed(text):
    with pytest.raises(MalformedError):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": ""},
        {"origin": "two\nlines"},
        {"size": -1},
        {"size": 2**63},
        {"root": bytes(31)},
        {"extensions": ("",)},
        {"extensions": ("two\nlines",)},
    ],
)
def test_a_checkpoint_that_could_not_be_read_cannot_be_made(wrong):
    with pytest.raises(MalformedError):
        Checkpoint(**{"origin": "log", "size": 1, "root": bytes(32), **wrong})
