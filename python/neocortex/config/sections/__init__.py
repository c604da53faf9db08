"""The sections of the configuration, each written once and used under as many prefixes as there are.

A module holds one subject (a key-value store, a bucket, a cache, one service). `schema` puts them together; nothing
else imports them but code that takes a section as its argument.
"""
