/// Sums of numbers that others made up: a registry's manifest may say any size.
extension Sequence<Int64> {
    /// The sum, or the largest number where the sum would be larger. For numbers that are not negative.
    public var saturatingSum: Int64 {
        reduce(0) { sum, next in
            let (larger, isTooLarge) = sum.addingReportingOverflow(next)
            return isTooLarge ? .max : larger
        }
    }
}
