import MessageService
import Shared

await ServiceRunner.run(.message) { configuration, logger in
    try MessageService(reading: &configuration, logger: logger)
}
