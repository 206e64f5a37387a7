internal import GRDB

/// The index could not be opened, read or written.
public struct IndexError: Error, Sendable {
    /// What callers branch on.
    public enum Code: Sendable {
        /// The files are no index, or hold what no version of syncd writes.
        case damaged
        /// A newer version wrote it: it is whole, and not for this one.
        case newerVersion
        /// A full or failing disk, a permission, another process.
        case unusable
    }

    public var code: Code
    /// One sentence for the operator: which file, what happened, and what to do.
    public var message: String
    /// What was found, where the code is ``Code/damaged``.
    var damage: String?

    public init(code: Code = .unusable, message: String) {
        self.code = code
        self.message = message
    }
}

/// What was found in the index that no version of syncd writes there.
struct IndexDamage: Error {
    var what: String

    init(_ what: String) {
        self.what = what
    }
}

extension IndexError {
    static let newerVersion = IndexError(
        code: .newerVersion,
        message: "it was written by a newer version of syncd: use that version, or move the file away \(newIndex)"
    )

    static func damaged(_ name: String, _ damage: IndexDamage) -> IndexError {
        var error = IndexError(
            code: .damaged,
            message: "\(name): it is damaged or no database of syncd's (\(damage.what)): move it away and run again "
                + newIndex
        )
        error.damage = damage.what
        return error
    }

    private static let newIndex =
        "(a new index is built by comparing both sides, and nothing that is equal is transferred)"

    /// What an error that is no damage means to the operator.
    init(_ name: String, _ error: any Error) {
        switch error {
        case let error as IndexError:
            self.init(code: error.code, message: "\(name): \(error.message)")
        case let error as DatabaseError:
            self.init(message: "\(name): \(Self.advice(on: error))")
        default:
            self.init(message: "\(name): \(error)")
        }
    }

    private static func advice(on error: DatabaseError) -> String {
        switch error.resultCode {
        case .SQLITE_FULL: "no space left on its disk: make room and run again"
        case .SQLITE_BUSY: "another process has it open: stop that process"
        case .SQLITE_IOERR: "its disk fails (\(error.words)): look after the disk"
        default: error.words
        }
    }
}

/// What an error of the database says of the database.
enum DamageVerdict {
    case damaged(IndexDamage)
    /// Our statements are constant, so it may come from damage: only a look at the whole database tells.
    case doubtful
    case sound

    init(_ error: any Error) {
        switch error {
        case let damage as IndexDamage: self = .damaged(damage)
        case let error as RowDecodingError: self = .damaged(IndexDamage("\(error)"))
        case let error as DatabaseError: self = Self.verdict(on: error)
        default: self = .sound
        }
    }

    private static func verdict(on error: DatabaseError) -> DamageVerdict {
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT:
            .damaged(IndexDamage(error.words))
        case .SQLITE_ERROR, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_READONLY, .SQLITE_SCHEMA, .SQLITE_TOOBIG,
            .SQLITE_RANGE:
            .doubtful
        default:
            .sound
        }
    }
}

extension DatabaseError {
    /// SQLite's own words, in one line.
    var words: String { oneLine(message ?? resultCode.description) }
}

/// The words of a text that may have many lines, as far as 200 characters.
func oneLine(_ text: String) -> String {
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return words.count <= 200 ? words : words.prefix(199) + "…"
}
