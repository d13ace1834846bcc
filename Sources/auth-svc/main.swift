import AuthService
import Shared

await ServiceRunner.run(.auth) { configuration, logger in
    try AuthService(reading: &configuration, logger: logger)
}
