import Shared
import SocialService

await ServiceRunner.run(.social) { configuration, logger in
    try SocialService(reading: &configuration, logger: logger)
}
