internal import Control

extension PushProgress {
    /// The live picture: never wider than `width`, never higher than `height` lines.
    ///
    /// Where not all fits, only layers with bytes on their way are shown, then only as many jobs as have room; a line
    /// says what is left out.
    ///
    /// - Parameters:
    ///   - now: milliseconds since 1970.
    ///   - isFinal: for the picture that stays: what went wrong is left out, because standard error tells it.
    func lines(width: Int, height: Int, now: Int64, glyphs: Glyphs = .unicode, isFinal: Bool = false) -> [Line] {
        let (width, height) = (max(width, 1), max(height, 1))
        var result: [Line] = []
        if isConnectionLost { result.append(Line(connectionLostText, .warning)) }
        let pictures = jobs.map { JobPicture($0, width: width, now: now, glyphs: glyphs, isFinal: isFinal) }
        let room = height - result.count
        if pictures.reduce(0, { $0 + $1.height }) <= room {
            for picture in pictures { result += picture.head + picture.layers + picture.foot }
        } else {
            result += squeezed(pictures, room: room, ellipsis: glyphs.ellipsis)
        }
        return result.prefix(height).map { $0.truncated(to: width, ellipsis: glyphs.ellipsis) }
    }

    private func squeezed(_ pictures: [JobPicture], room: Int, ellipsis: String) -> [Line] {
        let shown = chosen(pictures, room: room)
        var left = room - shown.reduce(0) { $0 + pictures[$1].leastHeight } - (shown.count < pictures.count ? 1 : 0)
        var result: [Line] = []
        for (index, picture) in pictures.enumerated() where shown.contains(index) {
            result += picture.head
            if picture.layers.count <= left + 1 {
                result += picture.layers
                left -= max(picture.layers.count - 1, 0)
            } else {
                let active = picture.activeLayers.prefix(max(left, 0))
                left -= active.count
                result += active
                result.append(others(of: picture, besides: active.count, ellipsis: ellipsis))
            }
            result += picture.foot
        }
        let hidden = pictures.indices.filter { !shown.contains($0) }.map { pictures[$0].job.info.state }
        if !hidden.isEmpty {
            let jobs = hidden.count == 1 ? "job" : "jobs"
            result.append(Line("\(ellipsis) and \(hidden.count) more \(jobs): \(tally(hidden))", .dim))
        }
        return result
    }

    /// The jobs that have room with one line for all layers of each, the most interesting first.
    private func chosen(_ pictures: [JobPicture], room: Int) -> Set<Int> {
        if pictures.reduce(0, { $0 + $1.leastHeight }) <= room { return Set(pictures.indices) }
        var left = room - 1  // for the line on the others
        var shown: Set<Int> = []
        for index in pictures.indices.sorted(by: { (pictures[$0].rank, $0) < (pictures[$1].rank, $1) }) {
            let height = pictures[index].leastHeight
            guard height <= left || shown.isEmpty else { break }
            shown.insert(index)
            left -= height
        }
        return shown
    }

    /// `… and 23 more: 12 uploaded, 11 waiting`, or `27 layers: …` where none is shown.
    private func others(of picture: JobPicture, besides shown: Int, ellipsis: String) -> Line {
        let job = picture.job
        var names = job.layers.filter { !$0.isActive }.map { layer in
            switch layer.outcome {
            case "pending": job.info.hasEnded ? "not sent" : "waiting"
            case "existing": "already there"
            case "skipped": "left out"
            default: layer.outcome
            }
        }
        let hiddenActive = max(picture.activeLayers.count - shown, 0)
        names += [String](repeating: job.info.hasEnded ? "not sent" : "on their way", count: hiddenActive)
        let count = shown == 0 ? "\(names.count) layers" : "\(ellipsis) and \(names.count) more"
        return Line("  \(count): \(tally(names))", .dim)
    }

    /// `12 uploaded, 11 waiting`, in the order of appearance.
    private func tally(_ names: [String]) -> String {
        var order: [String] = []
        var counts: [String: Int] = [:]
        for name in names {
            if counts[name] == nil { order.append(name) }
            counts[name, default: 0] += 1
        }
        return order.map { "\(counts[$0] ?? 0) \($0)" }.joined(separator: ", ")
    }
}
