import GRDB
import Glibc
import Logging
import Shared

extension ServiceError {
    /// What a failed transaction means to the caller. An error that is a ``ServiceError`` already stays as it is.
    ///
    /// A failed fsync or a damaged file ends the process: nothing read from this page cache may be trusted any more, and
    /// the next start checks the file.
    init(storage error: any Error, logger: Logger) {
        switch error {
        case let refusal as ServiceError:
            self = refusal
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_FULL:
                logger.error("the disk is full", metadata: ["error": "\(error.extendedResultCode)"])
                self.init(.unavailable)
            case .SQLITE_BUSY, .SQLITE_INTERRUPT:
                self.init(.unavailable)
            case .SQLITE_IOERR, .SQLITE_CORRUPT, .SQLITE_NOTADB:
                logger.critical("the database cannot be trusted", metadata: ["error": "\(error.extendedResultCode)"])
                exit(EXIT_FAILURE)
            default:
                logger.error("a transaction failed", metadata: ["error": "\(error)"])
                self.init(.internal)
            }
        default:
            logger.error("a transaction failed", metadata: ["error": "\(error)"])
            self.init(.internal)
        }
    }
}
