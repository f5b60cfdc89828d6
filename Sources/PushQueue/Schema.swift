/// The schema's first version. All times are milliseconds since 1970, UTC; all sizes are bytes.
extension Migration {
    /// Images and their blobs, stored once however many jobs push them; the jobs, their attempts and outcomes.
    static let jobs = """
        CREATE TABLE image (
            id          INTEGER PRIMARY KEY,
            root        TEXT    NOT NULL,                -- digest
            content     TEXT    NOT NULL,                -- digest of the list of blobs
            media_type  TEXT    NOT NULL,
            size        INTEGER NOT NULL CHECK (size >= 0),
            bytes_total INTEGER NOT NULL CHECK (bytes_total >= 0),
            pending     INTEGER NOT NULL DEFAULT 0 CHECK (pending >= 0),  -- jobs that have not ended
            UNIQUE (root, content)
        ) STRICT;

        CREATE TABLE image_blob (
            image      INTEGER NOT NULL REFERENCES image ON DELETE CASCADE,
            place      INTEGER NOT NULL,                 -- order in the list
            digest     TEXT    NOT NULL,
            size       INTEGER NOT NULL CHECK (size >= 0),
            media_type TEXT    NOT NULL,
            role       TEXT    NOT NULL CHECK (role IN ('manifest', 'config', 'layer')),
            is_sent    INTEGER NOT NULL CHECK (is_sent IN (0, 1)),
            wanted     INTEGER NOT NULL CHECK (wanted IN (0, 1)),         -- whether image.pending > 0
            PRIMARY KEY (image, place)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX image_blob_digest ON image_blob (image, digest);
        CREATE INDEX image_blob_wanted ON image_blob (digest) WHERE wanted = 1;

        CREATE TABLE job (
            id             INTEGER PRIMARY KEY AUTOINCREMENT,
            image          INTEGER NOT NULL REFERENCES image,
            name           TEXT    NOT NULL,             -- the image, as the user named it
            source         TEXT    NOT NULL,
            registry       TEXT    NOT NULL,
            destination    TEXT    NOT NULL,
            platforms      TEXT    NOT NULL,             -- separated by commas
            state          TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'blocked',
                                                             'succeeded', 'failed', 'canceled', 'superseded')),
            origin         TEXT    NOT NULL CHECK (origin IN ('command', 'rule')),
            priority       INTEGER NOT NULL CHECK (priority BETWEEN -100 AND 100),
            verify         TEXT    NOT NULL CHECK (verify IN ('none', 'manifest', 'blobs', 'deep')),
            force          INTEGER NOT NULL CHECK (force IN (0, 1)),
            claims         INTEGER NOT NULL DEFAULT 0,   -- how often it was taken: fences out earlier holders
            attempts       INTEGER NOT NULL DEFAULT 0,
            failures       INTEGER NOT NULL DEFAULT 0,   -- in a row
            created_at     INTEGER NOT NULL,
            updated_at     INTEGER NOT NULL,
            due_at         INTEGER,
            started_at     INTEGER,
            ended_at       INTEGER,
            expires_at     INTEGER,
            error_code     TEXT,
            error_message  TEXT,
            error_advice   TEXT,
            bytes_uploaded INTEGER NOT NULL DEFAULT 0,
            bytes_mounted  INTEGER NOT NULL DEFAULT 0,
            bytes_existing INTEGER NOT NULL DEFAULT 0,
            superseded_by  INTEGER CHECK (superseded_by IS NULL OR state = 'superseded'),
            verified       TEXT,
            CHECK ((due_at IS NOT NULL) = (state IN ('queued', 'waiting'))),
            CHECK ((ended_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'canceled', 'superseded')))
        ) STRICT;
        CREATE INDEX job_due ON job (registry, priority DESC, due_at, id) WHERE due_at IS NOT NULL;
        -- One destination has at most one running job, and at most one that comes after it.
        CREATE UNIQUE INDEX job_running ON job (destination) WHERE state = 'running';
        CREATE UNIQUE INDEX job_next ON job (destination) WHERE state IN ('queued', 'waiting', 'blocked');
        CREATE INDEX job_destination ON job (destination, id);
        CREATE INDEX job_image ON job (image);
        CREATE INDEX job_state ON job (state, id);
        CREATE INDEX job_registry ON job (registry, id);
        CREATE INDEX job_blocked ON job (registry, id) WHERE state = 'blocked';
        CREATE INDEX job_expiry ON job (expires_at) WHERE expires_at IS NOT NULL AND ended_at IS NULL;
        CREATE INDEX job_ended ON job (ended_at, id) WHERE ended_at IS NOT NULL;

        CREATE TABLE attempt (
            job           INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
            number        INTEGER NOT NULL,
            started_at    INTEGER NOT NULL,
            ended_at      INTEGER,
            error_code    TEXT,
            error_message TEXT,
            error_advice  TEXT,
            bytes_sent    INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (job, number)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE job_blob_outcome (
            job         INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
            place       INTEGER NOT NULL,                -- of the blob, in the image's list
            outcome     TEXT    NOT NULL CHECK (outcome IN ('pending', 'uploaded', 'mounted', 'existing', 'shared',
                                                            'skipped')),
            detail      TEXT,
            claim       INTEGER NOT NULL,                -- of the latest report
            bytes_sent  INTEGER NOT NULL,                -- during that claim
            sent_before INTEGER NOT NULL,                -- during earlier ones
            PRIMARY KEY (job, place)
        ) STRICT, WITHOUT ROWID;

        """

    /// Numbers that are kept rather than counted, so that history costs nothing.
    static let triggers = """
        CREATE TABLE tally (
            name TEXT    PRIMARY KEY,                    -- a job's state, or 'holding'
            n    INTEGER NOT NULL CHECK (n >= 0)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO tally VALUES ('queued', 0), ('running', 0), ('waiting', 0), ('blocked', 0), ('succeeded', 0),
                                 ('failed', 0), ('canceled', 0), ('superseded', 0), ('holding', 0);

        -- Whose turn it is.
        CREATE TABLE registry (
            name    TEXT    PRIMARY KEY,
            ready   INTEGER NOT NULL CHECK (ready >= 0), -- queued and waiting jobs
            claimed INTEGER NOT NULL                     -- about when its latest job was claimed, no two alike
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX registry_turn ON registry (claimed, name) WHERE ready > 0;

        CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
            UPDATE tally SET n = n + 1 WHERE name = NEW.state;
            UPDATE image SET pending = pending + 1 WHERE id = NEW.image AND NEW.ended_at IS NULL;
            INSERT INTO registry VALUES (NEW.registry, NEW.due_at IS NOT NULL, 0)
                ON CONFLICT (name) DO UPDATE SET ready = ready + excluded.ready;
        END;
        CREATE TRIGGER job_moved AFTER UPDATE OF state ON job WHEN OLD.state <> NEW.state BEGIN
            UPDATE tally SET n = n - 1 WHERE name = OLD.state;
            UPDATE tally SET n = n + 1 WHERE name = NEW.state;
        END;
        CREATE TRIGGER job_ready AFTER UPDATE OF due_at ON job
        WHEN (OLD.due_at IS NULL) AND (NEW.due_at IS NOT NULL) BEGIN
            INSERT INTO registry VALUES (NEW.registry, 1, 0) ON CONFLICT (name) DO UPDATE SET ready = ready + 1;
        END;
        CREATE TRIGGER job_unready AFTER UPDATE OF due_at ON job
        WHEN (OLD.due_at IS NOT NULL) AND (NEW.due_at IS NULL) BEGIN
            UPDATE registry SET ready = ready - 1 WHERE name = NEW.registry;
        END;
        CREATE TRIGGER job_over AFTER UPDATE OF ended_at ON job
        WHEN (OLD.ended_at IS NULL) <> (NEW.ended_at IS NULL) BEGIN
            UPDATE image SET pending = pending + (NEW.ended_at IS NULL) - (OLD.ended_at IS NULL) WHERE id = NEW.image;
        END;
        CREATE TRIGGER job_removed AFTER DELETE ON job BEGIN
            UPDATE tally SET n = n - 1 WHERE name = OLD.state;
        END;
        CREATE TRIGGER image_wanted AFTER UPDATE OF pending ON image
        WHEN (OLD.pending = 0) <> (NEW.pending = 0) BEGIN
            UPDATE image_blob SET wanted = (NEW.pending > 0) WHERE image = NEW.id AND wanted <> (NEW.pending > 0);
        END;

        """

    /// What registries are known to have, to do and to refuse; and what the rules have dealt with.
    static let registries = """
        CREATE TABLE repository (
            id       INTEGER PRIMARY KEY,
            registry TEXT    NOT NULL,
            name     TEXT    NOT NULL,
            UNIQUE (registry, name)
        ) STRICT;

        CREATE TABLE holding (
            repository   INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE,
            digest       TEXT    NOT NULL,
            confirmed_at INTEGER NOT NULL,
            PRIMARY KEY (repository, digest)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX holding_digest ON holding (digest, confirmed_at DESC);
        CREATE INDEX holding_age ON holding (confirmed_at);
        CREATE TRIGGER holding_added AFTER INSERT ON holding BEGIN
            UPDATE tally SET n = n + 1 WHERE name = 'holding';
        END;
        CREATE TRIGGER holding_removed AFTER DELETE ON holding BEGIN
            UPDATE tally SET n = n - 1 WHERE name = 'holding';
        END;

        CREATE TABLE mount_refusal (
            registry   TEXT    NOT NULL,
            source     TEXT    NOT NULL,                 -- the repository that was not to be mounted from
            refused_at INTEGER NOT NULL,
            PRIMARY KEY (registry, source)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX mount_refusal_age ON mount_refusal (refused_at);

        CREATE TABLE upload (
            registry   TEXT    NOT NULL,
            repository TEXT    NOT NULL,
            digest     TEXT    NOT NULL,
            location   TEXT    NOT NULL,
            held       INTEGER NOT NULL CHECK (held >= 0),  -- bytes
            style      TEXT    NOT NULL,
            updated_at INTEGER NOT NULL,
            PRIMARY KEY (registry, repository, digest)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX upload_age ON upload (updated_at);
        CREATE INDEX upload_digest ON upload (registry, digest);

        CREATE TABLE registry_fact (
            registry TEXT    NOT NULL,
            name     TEXT    NOT NULL,
            value    TEXT    NOT NULL,
            seen_at  INTEGER NOT NULL,
            PRIMARY KEY (registry, name)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE handled (
            store      TEXT    NOT NULL,
            name       TEXT    NOT NULL,
            digest     TEXT    NOT NULL,
            handled_at INTEGER NOT NULL,
            PRIMARY KEY (store, name)
        ) STRICT, WITHOUT ROWID;
        """
}
