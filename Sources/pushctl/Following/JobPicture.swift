internal import Control

/// The lines that one job shows, before it is decided how much of it has room.
struct JobPicture: Sendable {
    let job: PushProgress.Job
    /// What it is, its state, and what is wrong with it.
    let head: [Line]
    /// One for each layer, in the order of the image.
    let layers: [Line]
    /// The sum, as far as something is known of the layers, and what was published.
    let foot: [Line]

    /// Columns of size and speed, to the right of the bar: `  52.1/104 MB  18.2 MB/s`.
    private static let amountWidth = 13
    private static let speedWidth = 9

    /// - Parameters:
    ///   - now: milliseconds since 1970.
    ///   - isFinal: what went wrong is left out, because standard error tells it.
    init(_ job: PushProgress.Job, width: Int, now: Int64, glyphs: Glyphs, isFinal: Bool) {
        self.job = job
        let painter = Painter(job: job, width: width, now: now, glyphs: glyphs)
        head = [painter.title()] + (isFinal ? [] : painter.explanation())
        layers = job.layers.map(painter.layer)
        let total = job.info.blobs?.isEmpty == false ? [painter.total()] : []
        foot = total + (job.info.state == "succeeded" ? [Line("  " + job.info.digest, .dim)] : [])
    }

    var height: Int { head.count + layers.count + foot.count }

    /// The lines of layers with bytes on their way.
    var activeLayers: [Line] {
        zip(layers, job.layers).filter { $0.1.isActive }.map(\.0)
    }

    /// The height if at most one line tells of all layers.
    var leastHeight: Int { head.count + min(layers.count, 1) + foot.count }

    /// Which job gets room first: one that runs, one in trouble, one that waits for its turn, one that has ended.
    var rank: Int {
        switch job.info.state {
        case "running": 0
        case "blocked", "failed": 1
        case "waiting": 2
        case "queued": 3
        default: 4
        }
    }

    private struct Painter {
        let job: PushProgress.Job
        let width: Int
        let now: Int64
        let glyphs: Glyphs

        private var info: JobInfo { job.info }

        func title() -> Line {
            let id = "job \(info.id)"
            var state = Line(info.state, style(of: info.state))
            if info.attempts > 1, !info.hasEnded { state.append(", attempt \(info.attempts)") }
            if info.state == "succeeded", let ended = info.endedAt {
                let milliseconds = ended.milliseconds - info.createdAt.milliseconds
                state.append(milliseconds < 1000 ? "" : " in " + formatSpan(seconds: Double(milliseconds) / 1000))
            }
            if let newer = info.supersededBy { state.append(" by job \(newer)") }
            let room = max(width - id.count - 4 - state.width, 10)
            var line = Line(id + "  ")
            line.append(info.destination.printable.cutInTheMiddle(width: room, ellipsis: glyphs.ellipsis), .bold)
            line.append("  ")
            line.append(state)
            return line
        }

        func explanation() -> [Line] {
            var lines: [Line] = []
            func add(_ text: String, _ style: Line.Style) {
                lines += text.printable.wrapped(width: max(width - 2, 10)).prefix(4).map { Line("  " + $0, style) }
            }
            if let trouble = describeTrouble(of: info, now: now) { add(trouble, style(of: info.state)) }
            if ["blocked", "failed"].contains(info.state), let advice = info.error?.advice { add(advice, .plain) }
            return lines
        }

        func layer(_ layer: BlobInfo) -> Line {
            var line = Line("  " + shortDigest(layer.digest) + "  ", .dim)
            let barWidth = min(width - line.width - 2 - amountWidth - 2 - speedWidth, 60)
            let outcome = outcome(of: layer)
            guard barWidth >= 8 else {  // a very narrow terminal
                if layer.isActive {
                    line.append("\(percent(layer.bytesDone, of: layer.size))%")
                } else {
                    line.append(outcome)
                }
                return line
            }
            let column = line.width + barWidth
            if layer.outcome == "pending", let sharing = describeSentAgain(layer) ?? layer.detail, !info.hasEnded {
                // Another job's transfer: what it does is said there, here only how far it is. Bytes that are sent a
                // second time bring the bar no further.
                line.append(Line(sharing, .dim).truncated(to: barWidth, ellipsis: glyphs.ellipsis))
                line.pad(to: column)
                let amount =
                    layer.bytesDone > 0 ? formatProgress(layer.bytesDone, of: layer.size) : formatBytes(layer.size)
                line.append("  " + padded(amount, amountWidth), .dim)
                return line
            }
            guard layer.isActive, !info.hasEnded else {
                line.append(outcome.truncated(to: barWidth, ellipsis: glyphs.ellipsis))
                line.pad(to: column)
                line.append("  " + padded(formatBytes(layer.size), amountWidth), .dim)
                return line
            }
            let done = Int(Double(barWidth) * Double(min(layer.bytesDone, layer.size)) / Double(max(layer.size, 1)))
            line.append(String(repeating: glyphs.barDone, count: done), .accent)
            line.append(String(repeating: glyphs.barLeft, count: barWidth - done), .dim)
            line.append("  " + padded(formatProgress(layer.bytesDone, of: layer.size), amountWidth))
            if layer.bytesDone >= layer.size {
                line.append(info.state == "running" ? "  finishing" : "", .dim)
            } else if let speed = job.speed(of: layer, at: now) {
                line.append("  " + padded(formatSpeed(speed), speedWidth))
            }
            return line
        }

        private func outcome(of layer: BlobInfo) -> Line {
            guard layer.outcome == "pending" else {
                return Line(describeOutcome(layer.outcome, detail: layer.detail), .good)
            }
            return Line(info.hasEnded ? "not sent" : "waiting", .dim)
        }

        func total() -> Line {
            if info.hasEnded { return Line("  " + outcomeSums(of: info.blobs ?? [])) }
            let share = padded("\(percent(job.bytesDone, of: job.bytesTotal))%", 4)
            return Line("  total   \(share)  \(job.progressText(at: now))")
        }

        private func padded(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(width - text.displayWidth, 0)) + text
        }
    }
}

extension PushProgress.Job {
    /// How far it is: `52.1/104 MB, 18.2 MB/s, 3 s left`.
    func progressText(at now: Int64) -> String {
        var text = formatProgress(bytesDone, of: bytesTotal)
        if bytesDone >= bytesTotal { return text + (info.state == "running" ? ", finishing" : "") }
        guard let speed = speed(at: now) else { return text }
        text += ", " + formatSpeed(speed)
        if let left = secondsLeft(at: now), left < 30 * 86_400 {
            text += ", " + formatSpan(seconds: left.rounded(.up)) + " left"
        }
        return text
    }
}
