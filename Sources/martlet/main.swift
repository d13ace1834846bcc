import ArgumentParser
import MartletTool

Martlet.main()
