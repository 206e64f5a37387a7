extension OpenFile {
    /// Bytes that are read at once.
    private static var pieceSize: Int { 256 << 10 }
    /// Pieces that are read before other work has its turn: a large file takes minutes, and threads are few.
    private static var piecesAtOnce: Int64 { 64 }

    /// Hands the bytes of a range to `body`, piece by piece; fewer if the file ends before.
    /// - Throws: ``FileSystemError``, or `CancellationError` when `stop` is given: large files take minutes.
    func forEachPiece(
        of range: Range<Int64>,
        until stop: StopSignal,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) async throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: 16)
        defer { buffer.deallocate() }
        var offset = range.lowerBound
        var pieces: Int64 = 0
        while offset < range.upperBound {
            try stop.check()
            let wanted = Int(min(Int64(buffer.count), range.upperBound - offset))
            let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), at: offset)
            if count == 0 { return }
            body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += Int64(count)
            pieces += 1
            if pieces.isMultiple(of: Self.piecesAtOnce) { await Task.yield() }
        }
    }

    /// The same of the whole file and without a break, for who cannot wait.
    func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) throws(FileSystemError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: 16)
        defer { buffer.deallocate() }
        var offset: Int64 = 0
        while true {
            let count = try read(into: buffer, at: offset)
            if count == 0 { return }
            body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += Int64(count)
        }
    }
}
