"""An excerpt proves its leaves and its heads, all of them, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention import merkle
from retention.errors import VerificationError
from retention.excerpt import Excerpt, subtrees_beside
from retention.merkle import Subtree

ALL = [merkle.leaf_hash(n.to_bytes(2, "big")) for n in range(300)]
NODE = merkle.subtrees_of(ALL)


@st.composite
def excerpts(draw):
    sizes = sorted(draw(st.sets(st.integers(1, len(ALL)), min_size=1, max_size=4)))
    positions = sorted(draw(st.sets(st.integers(0, sizes[-1] - 1), max_size=12)))
    return positions, sizes


@given(excerpts())
def test_every_head_is_computed_again_and_nothing_is_left_over(drawn):
    positions, sizes = drawn
    subtrees = subtrees_beside(positions, sizes, NODE)
    excerpt = Excerpt({at: ALL[at] for at in positions}, subtrees)
    expected = [merkle.root(ALL[:size]) for size in sizes]
    assert expected == [excerpt.root(size) for size in sizes]
    excerpt.require_all_used()


@given(excerpts())
def test_what_is_beside_grows_with_the_leaves_shown_and_not_with_the_tree(drawn):
    positions, sizes = drawn
    most = (len(positions) + len(sizes)) * sizes[-1].bit_length()
    assert len(subtrees_beside(positions, sizes, NODE)) <= most


@given(excerpts(), st.data())
def test_a_changed_hash_changes_the_newest_root(drawn, data):
    positions, sizes = drawn
    leaves = {at: ALL[at] for at in positions}
    subtrees = subtrees_beside(positions, sizes, NODE)
    changed = data.draw(st.integers(0, len(leaves) + len(subtrees) - 1))
    if changed < len(leaves):
        leaves[positions[changed]] = bytes(32)
    else:
        old = subtrees[changed - len(leaves)]
        subtrees[changed - len(leaves)] = Subtree(old.level, old.index, bytes(32))
    assert merkle.root(ALL[: sizes[-1]]) != Excerpt(leaves, subtrees).root(sizes[-1])


def test_a_leaf_behind_a_subtree_is_found_out():
    subtrees = subtrees_beside([], [8], NODE)
    excerpt = Excerpt({3: b"forged" * 6}, subtrees)
    assert merkle.root(ALL[:8]) == excerpt.root(8)
    with pytest.raises(VerificationError, match="entry 3 is under no checkpoint"):
        excerpt.require_all_used()


def test_a_subtree_that_no_head_needs_is_found_out():
    excerpt = Excerpt({}, [*subtrees_beside([], [4], NODE), Subtree(0, 9, ALL[9])])
    excerpt.root(4)
    with pytest.raises(VerificationError, match="entry 9"):
        excerpt.require_all_used()


def test_the_same_part_twice_is_refused():
    with pytest.raises(VerificationError, match="twice"):
        Excerpt({0: ALL[0]}, [Subtree(0, 0, ALL[0])])


def test_a_huge_size_with_nothing_behind_it_is_refused_at_once():
    with pytest.raises(VerificationError, match="nothing is given of entry"):
        Excerpt({}, []).root(2**63 - 1)
