"""The Merkle tree against published vectors, against the RFC's own recursion, and against forgers."""

import tracemalloc
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention import merkle
from retention.errors import VerificationError

SIZES = range(65)
LEAVES = [merkle.leaf_hash(bytes([n])) for n in SIZES]

# The inputs, roots and proofs that implementations of RFC 6962 share as test vectors.
CT_INPUTS = [
    bytes.fromhex(data)
    for data in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CT_CONSISTENCY = {
    (1, 1): [],
    (1, 8): CT_INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def rfc_split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def rfc_mth(d):
    """MTH of section 2.1.1, word by word, over leaf hashes."""
    if not d:
        return sha256(b"").digest()
    if len(d) == 1:
        return d[0]
    k = rfc_split(len(d))
    return sha256(b"\x01" + rfc_mth(d[:k]) + rfc_mth(d[k:])).digest()


def rfc_path(m, d):
    """PATH of section 2.1.3.1."""
    if len(d) == 1:
        return []
    k = rfc_split(len(d))
    if m < k:
        return [*rfc_path(m, d[:k]), rfc_mth(d[k:])]
    return [*rfc_path(m - k, d[k:]), rfc_mth(d[:k])]


def rfc_subproof(m, d, b):
    """SUBPROOF of section 2.1.4.1."""
    if m == len(d):
        return [] if b else [rfc_mth(d)]
    k = rfc_split(len(d))
    if m <= k:
        return [*rfc_subproof(m, d[:k], b), rfc_mth(d[k:])]
    return [*rfc_subproof(m - k, d[k:], False), rfc_mth(d[:k])]


class Stored:
    """A tree as a database keeps it: complete subtrees, each written once."""

    def __init__(self, leaf_hashes) -> None:
        self.hashes = {}
        self.reads = 0
        for size, leaf in enumerate(leaf_hashes):
            for subtree in merkle.appended(size, leaf, self.node):
                assert (subtree.level, subtree.index) not in self.hashes
                self.hashes[subtree.level, subtree.index] = subtree.hash

    def node(self, level, index):
        self.reads += 1
        return self.hashes[level, index]


STORED = Stored(LEAVES)
ROOTS = [merkle.root(LEAVES[:size]) for size in SIZES]


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots_are_met(size):
    leaf_hashes = [merkle.leaf_hash(data) for data in CT_INPUTS[:size]]

    assert CT_ROOTS[size] == merkle.root(leaf_hashes).hex()
    assert CT_ROOTS[size] == merkle.root_from(size, Stored(leaf_hashes).node).hex()


@pytest.mark.parametrize(("index", "size"), CT_INCLUSION)
def test_the_published_inclusion_proofs_are_met(index, size):
    leaf_hashes = [merkle.leaf_hash(data) for data in CT_INPUTS]

    proof = merkle.inclusion_proof(index, size, merkle.subtrees_of(leaf_hashes))

    assert CT_INCLUSION[index, size] == [step.hex() for step in proof]
    merkle.verify_inclusion(leaf_hashes[index], index, size, proof, bytes.fromhex(CT_ROOTS[size]))


@pytest.mark.parametrize(("size1", "size2"), CT_CONSISTENCY)
def test_the_published_consistency_proofs_are_met(size1, size2):
    node = merkle.subtrees_of([merkle.leaf_hash(data) for data in CT_INPUTS])

    proof = merkle.consistency_proof(size1, size2, node)

    assert CT_CONSISTENCY[size1, size2] == [step.hex() for step in proof]
    roots = [bytes.fromhex(CT_ROOTS[size]) for size in (size1, size2)]
    merkle.verify_consistency(size1, size2, proof, *roots)


@pytest.mark.parametrize("size", SIZES)
def test_every_root_is_the_one_the_rfc_defines(size):
    expected = rfc_mth(LEAVES[:size])

    assert expected == merkle.root(iter(LEAVES[:size]))
    assert expected == merkle.root_from(size, STORED.node)


@pytest.mark.parametrize("size", SIZES)
def test_every_inclusion_proof_is_the_one_the_rfc_defines_and_verifies(size):
    for index in range(size):
        proof = merkle.inclusion_proof(index, size, STORED.node)
        assert rfc_path(index, LEAVES[:size]) == proof
        merkle.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


@pytest.mark.parametrize("size2", SIZES)
def test_every_consistency_proof_is_the_one_the_rfc_defines_and_verifies(size2):
    for size1 in range(1, size2 + 1):
        proof = merkle.consistency_proof(size1, size2, STORED.node)
        assert rfc_subproof(size1, LEAVES[:size2], True) == proof
        merkle.verify_consistency(size1, size2, proof, ROOTS[size1], ROOTS[size2])


@pytest.mark.parametrize("size", SIZES)
def test_every_tree_extends_the_empty_one(size):
    assert merkle.consistency_proof(0, size, STORED.node) == []
    merkle.verify_consistency(0, size, [], ROOTS[0], ROOTS[size])
    with pytest.raises(VerificationError):
        merkle.verify_consistency(0, size, [], ROOTS[1], ROOTS[size])


@pytest.mark.parametrize("size", SIZES)
def test_a_leaf_proves_nothing_at_another_place(size):
    for index in range(size):
        proof = merkle.inclusion_proof(index, size, STORED.node)
        for other in {*range(-1, size + 1)} - {index}:
            with pytest.raises(VerificationError):
                merkle.verify_inclusion(LEAVES[index], other, size, proof, ROOTS[size])


@pytest.mark.parametrize("size", SIZES)
def test_a_proof_proves_nothing_against_the_root_of_another_size(size):
    for index in range(size):
        proof = merkle.inclusion_proof(index, size, STORED.node)
        for other in {*SIZES} - {size}:
            with pytest.raises(VerificationError):
                merkle.verify_inclusion(LEAVES[index], index, other, proof, ROOTS[other])


@pytest.mark.parametrize("size2", SIZES)
def test_a_history_proves_nothing_for_another_old_size(size2):
    for size1 in range(1, size2):
        proof = merkle.consistency_proof(size1, size2, STORED.node)
        for other in {*range(-1, size2 + 2)} - {size1}:
            with pytest.raises(VerificationError):
                merkle.verify_consistency(other, size2, proof, ROOTS[size1], ROOTS[size2])


def test_no_byte_of_a_hash_may_stand_in_its_neighbour():
    """Together they would hash to the same node."""
    first, *others = merkle.inclusion_proof(0, 4, STORED.node)
    with pytest.raises(VerificationError, match="32 bytes"):
        merkle.verify_inclusion(LEAVES[0] + first[:1], 0, 4, [first[1:], *others], ROOTS[4])


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def alterations(proof, bit):
    """Spoil a proof: a bit, a hash less, a byte less, a hash more, another order, nothing left."""
    for at in range(len(proof)):
        yield [*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]]
        yield [*proof[:at], *proof[at + 1 :]]
        yield [*proof[:at], proof[at][:-1], *proof[at + 1 :]]
    for at in range(len(proof) + 1):
        yield [*proof[:at], LEAVES[0], *proof[at:]]
    if len(proof) > 1:
        yield proof[::-1]
        yield []


bits = st.integers(0, 255)


@given(st.data(), st.integers(1, 64), bits)
def test_an_altered_inclusion_proof_fails(data, size, bit):
    index = data.draw(st.integers(0, size - 1))
    leaf, proof = LEAVES[index], merkle.inclusion_proof(index, size, STORED.node)

    for altered in alterations(proof, bit):
        with pytest.raises(VerificationError):
            merkle.verify_inclusion(leaf, index, size, altered, ROOTS[size])
    with pytest.raises(VerificationError):
        merkle.verify_inclusion(flipped(leaf, bit), index, size, proof, ROOTS[size])
    with pytest.raises(VerificationError):
        merkle.verify_inclusion(leaf, index, size, proof, flipped(ROOTS[size], bit))


@given(st.data(), st.integers(1, 64), bits)
def test_an_altered_consistency_proof_fails(data, size2, bit):
    size1 = data.draw(st.integers(1, size2))
    proof = merkle.consistency_proof(size1, size2, STORED.node)
    old, new = ROOTS[size1], ROOTS[size2]

    for altered in alterations(proof, bit):
        with pytest.raises(VerificationError):
            merkle.verify_consistency(size1, size2, altered, old, new)
    with pytest.raises(VerificationError):
        merkle.verify_consistency(size1, size2, proof, flipped(old, bit), new)
    with pytest.raises(VerificationError):
        merkle.verify_consistency(size1, size2, proof, old, flipped(new, bit))


@pytest.mark.parametrize("size2", range(2, 65))
def test_a_rewritten_history_has_no_proof(size2):
    for size1 in range(1, size2):
        rewritten = [merkle.leaf_hash(b"something else"), *LEAVES[1:size2]]
        proof = merkle.consistency_proof(size1, size2, merkle.subtrees_of(rewritten))
        with pytest.raises(VerificationError):
            merkle.verify_consistency(size1, size2, proof, ROOTS[size1], merkle.root(rewritten))


def test_hashes_of_wrong_length_cannot_move_the_boundary_between_two_nodes():
    """The same bytes, cut elsewhere, hash to the same node: the length check is what refuses them."""
    left, right = LEAVES[:2]
    shifted = [right[1:], left + right[:1]]
    assert merkle.node_hash(shifted[1], shifted[0]) == merkle.node_hash(left, right)

    with pytest.raises(VerificationError, match="32 bytes"):
        merkle.verify_inclusion(shifted[0], 1, 2, [shifted[1]], ROOTS[2])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3), (0, -1)])
def test_no_proof_is_made_of_a_leaf_that_is_not_there(index, size):
    with pytest.raises(VerificationError):
        merkle.inclusion_proof(index, size, STORED.node)


@pytest.mark.parametrize(("size1", "size2"), [(-1, 3), (4, 3), (-2, -1)])
def test_no_proof_is_made_of_a_tree_that_shrinks(size1, size2):
    with pytest.raises(VerificationError):
        merkle.consistency_proof(size1, size2, STORED.node)


def test_a_stored_tree_answers_with_few_reads():
    size = 5_000
    tree = Stored(merkle.leaf_hash(n.to_bytes(2)) for n in range(size))
    most = 2 * size.bit_length()

    for ask in (
        lambda: merkle.root_from(size, tree.node),
        lambda: merkle.inclusion_proof(3_333, size, tree.node),
        lambda: merkle.inclusion_proof(size - 1, size, tree.node),
        lambda: merkle.consistency_proof(4_095, size, tree.node),
        lambda: merkle.appended(4_095, LEAVES[0], tree.node),
    ):
        tree.reads = 0
        ask()
        assert 0 < tree.reads <= most


def test_a_hundred_thousand_leaves_are_rooted_in_little_memory():
    tracemalloc.start()
    merkle.root(merkle.leaf_hash(n.to_bytes(4)) for n in range(100_000))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 64 * 1024
