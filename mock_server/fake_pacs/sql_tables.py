"""The tables of the store: portable SQL, one schema number."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

SCHEMA = 2
"""Counted up with every change of a table: a state file of another number is not opened."""

metadata = MetaData()

meta = Table(
    "fake_pacs_meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

tenants = Table(
    "tenants",
    metadata,
    Column("name", String, primary_key=True),
    Column("epoch", Integer, nullable=False),  # counts the resets
)

credentials = Table(
    "credentials",
    metadata,
    Column("digest", String, primary_key=True),  # SHA-256 of the secret; the secret itself is stored nowhere
    Column("tenant", String, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("application", String),
    Column("accession", String),
    Column("issuer", String),
    Column("expires_at", BigInteger),  # microseconds since 1970 UTC: exact, and no database's idea of a time zone
)

users = Table(
    "users",
    metadata,
    Column("name", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("application", String, primary_key=True),
    Column("last_id", BigInteger, nullable=False),
)

results = Table(
    "results",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("application", String, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("slide_id", String, nullable=False),
    Column("version_id", String, nullable=False),
    Column("document", Text, nullable=False),  # JSON text: member order and unknown members stay
    Index("results_of_slide", "tenant", "application", "slide_id", "id"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("application", String, primary_key=True),
    Column("result_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("content", String),
    Column("size", BigInteger),
)

uploads = Table(
    "uploads",
    metadata,
    Column("content", String, primary_key=True),  # the name under which the bytes are being gathered
    Column("tenant", String, nullable=False),
    Column("application", String, nullable=False),
    Column("result_id", BigInteger, nullable=False),
    Column("name", String, nullable=False),
    Index("uploads_of_attachment", "tenant", "application", "result_id", "name"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("content", String, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

quality_controls = Table(
    "quality_controls",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("slide_id", String, primary_key=True),
    Column("status", String, nullable=False),
    Column("version_id", String, nullable=False),
)

apps = Table(
    "apps",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("application_id", String, primary_key=True),
    Column("url", String, nullable=False),
    Column("display_name", String, nullable=False),
    Column("manufacturer", String, nullable=False),
    Column("input_template", Text, nullable=False),  # JSON text, like `context`
    Column("context", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("notifications", Boolean, nullable=False),
)
