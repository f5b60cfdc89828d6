/// The schema's fourth version: the time that `retry.giveUpAfter` limits.
extension Migration {
    static let tryTime = """
        -- Milliseconds in which it could have been tried, since its first attempt and until its last was over.
        ALTER TABLE job ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;
        """
}
