"""Stores whose items are rows: of CSV files that a recorder appends to, and of SQL tables.

A row is what a recorder wrote *about* a call, and goes when the call goes (docs/rules.md, Rows).
"""
