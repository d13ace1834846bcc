import Gateway
import Shared

await ServiceRunner.run(.gateway) { configuration, logger in
    try Gateway(reading: &configuration, logger: logger)
}
