import Shared
import MessageService

await ServiceRunner.run(.message) { configuration, logger in
    try MessageService(reading: &configuration, logger: logger)
}
