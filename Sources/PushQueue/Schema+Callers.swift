/// The schema's sixth version: who asked for a job, and with whose rights its image is opened.
extension Migration {
    static let callers = """
        -- Who asked for it; all NULL where that was a rule, or an older pushd accepted it.
        ALTER TABLE job ADD COLUMN asked_uid    INTEGER;
        ALTER TABLE job ADD COLUMN asked_gid    INTEGER;
        ALTER TABLE job ADD COLUMN asked_groups TEXT;    -- supplementary ones, sorted, separated by commas
        ALTER TABLE job ADD COLUMN asked_pid    INTEGER;
        ALTER TABLE job ADD COLUMN asked_name   TEXT;
        -- As whom its image is opened; all NULL: with the daemon's own rights.
        ALTER TABLE job ADD COLUMN acts_uid     INTEGER;
        ALTER TABLE job ADD COLUMN acts_gid     INTEGER;
        ALTER TABLE job ADD COLUMN acts_groups  TEXT;
        -- Whether it came with a login of its own, which is kept in memory only.
        ALTER TABLE job ADD COLUMN own_login    INTEGER NOT NULL DEFAULT 0 CHECK (own_login IN (0, 1));
        CREATE INDEX job_asked ON job (asked_uid, id) WHERE asked_uid IS NOT NULL;

        ALTER TABLE event ADD COLUMN asked_uid  INTEGER;
        ALTER TABLE event ADD COLUMN asked_pid  INTEGER;
        ALTER TABLE event ADD COLUMN asked_name TEXT;

        -- One destination has at most one running job, and of each party at most one that comes after it: a member must
        -- not replace what another has asked for. All that has the daemon's rights is one party.
        DROP INDEX job_next;
        CREATE UNIQUE INDEX job_next ON job (destination, ifnull(acts_uid, -1))
            WHERE state IN ('queued', 'waiting', 'blocked');

        -- What members have pending, kept rather than counted.
        CREATE TABLE member (
            uid  INTEGER PRIMARY KEY,
            jobs INTEGER NOT NULL CHECK (jobs >= 0),
            kib  INTEGER NOT NULL CHECK (kib >= 0)       -- their images' blobs, each rounded up to KiB: no sum overflows
        ) STRICT;
        CREATE TRIGGER member_job_added AFTER INSERT ON job WHEN NEW.acts_uid IS NOT NULL AND NEW.ended_at IS NULL BEGIN
            INSERT INTO member VALUES (
                NEW.acts_uid, 1, (SELECT (bytes_total + 1023) / 1024 FROM image WHERE id = NEW.image))
                ON CONFLICT (uid) DO UPDATE SET jobs = jobs + 1, kib = kib + excluded.kib;
        END;
        CREATE TRIGGER member_job_over AFTER UPDATE OF ended_at ON job
        WHEN NEW.acts_uid IS NOT NULL AND (OLD.ended_at IS NULL) <> (NEW.ended_at IS NULL) BEGIN
            UPDATE member SET
                jobs = jobs + (NEW.ended_at IS NULL) - (OLD.ended_at IS NULL),
                kib = kib + ((NEW.ended_at IS NULL) - (OLD.ended_at IS NULL))
                    * (SELECT (bytes_total + 1023) / 1024 FROM image WHERE id = NEW.image)
             WHERE uid = NEW.acts_uid;
        END;
        """
}
