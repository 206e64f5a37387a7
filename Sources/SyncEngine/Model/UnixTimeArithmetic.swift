extension UnixTime {
    /// How long after `earlier` this is; negative if it is before.
    public func since(_ earlier: UnixTime) -> Duration {
        .nanoseconds(nanoseconds.subtractingReportingOverflow(earlier.nanoseconds).partialValue)
    }

    /// A later time; negative durations give an earlier one.
    public func adding(_ duration: Duration) -> UnixTime {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !nanoseconds.overflow else { return UnixTime(nanoseconds: seconds < 0 ? .min : .max) }
        let sum = self.nanoseconds.addingReportingOverflow(nanoseconds.partialValue + attoseconds / 1_000_000_000)
        return UnixTime(nanoseconds: sum.overflow ? (seconds < 0 ? .min : .max) : sum.partialValue)
    }
}
