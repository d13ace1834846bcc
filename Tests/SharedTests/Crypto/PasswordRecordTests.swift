import Testing

@testable import SharedCrypto

@Suite("Password records")
struct PasswordRecordTests {
    /// RFC 7914, section 12; the fourth vector takes 1 GiB and is left out.
    @Test(arguments: [
        (
            "", "", (16, 1, 1),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        ),
        (
            "password", "NaCl", (1024, 8, 16),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        ),
        (
            "pleaseletmein", "SodiumChloride", (16384, 8, 1),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        ),
    ])
    func `scrypt gives the keys of RFC 7914`(password: String, salt: String, cost: (Int, Int, Int), key: String) throws
    {
        let derived = try Scrypt.derive(
            password: Array(password.utf8), salt: Array(salt.utf8), n: cost.0, r: cost.1, p: cost.2, count: 64)
        #expect(hex(derived) == key)
    }

    @Test func `the standard cost works and is written into the record`() throws {
        let record = try PasswordRecord.make(password: "correct horse")

        #expect(record.phc.hasPrefix("$scrypt$ln=15,r=8,p=3$"))
        #expect(record.cost == .standard)
        #expect(try record.matches(password: "correct horse"))
        #expect(try !record.matches(password: "correct horsf"))
    }

    @Test func `the same password has different records that both match`() throws {
        let cost = try ScryptCost(n: 1024, r: 8, p: 1)
        let first = try PasswordRecord.make(password: "secret", cost: cost)
        let second = try PasswordRecord.make(password: "secret", cost: cost)

        #expect(first != second)
        #expect(first.phc != second.phc)
        #expect(try first.matches(password: "secret") && second.matches(password: "secret"))
    }

    @Test func `every character of a long password counts`() throws {
        let cost = try ScryptCost(n: 1024, r: 8, p: 1)
        let start = String(repeating: "p", count: 254)
        let record = try PasswordRecord.make(password: start + "1", cost: cost)

        #expect(try record.matches(password: start + "1"))
        #expect(try !record.matches(password: start + "2"))
        #expect(try !record.matches(password: start))
        #expect(try !record.matches(password: ""))
    }

    @Test func `a record survives its text form and does not print itself`() throws {
        let record = try PasswordRecord.make(password: "secret", cost: ScryptCost(n: 2048, r: 4, p: 2))

        let copy = try PasswordRecord(phc: record.phc)

        #expect(copy == record)
        #expect(copy.phc == record.phc)
        #expect(try copy.matches(password: "secret"))
        #expect("\(record)" == "PasswordRecord(ln=11,r=4,p=2)")
    }

    @Test func `a text that is no record of ours is refused`() {
        let salt = "AAECAwQFBgcICQoLDA0ODw"
        let hash = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
        #expect(throws: Never.self) { try PasswordRecord(phc: "$scrypt$ln=15,r=8,p=3$\(salt)$\(hash)") }
        let refused = [
            "", "$", "$$$$", "plain", "$scrypt$ln=15,r=8,p=3$\(salt)", "$scrypt$ln=15,r=8,p=3$\(salt)$\(hash)$",
            "scrypt$ln=15,r=8,p=3$\(salt)$\(hash)", " $scrypt$ln=15,r=8,p=3$\(salt)$\(hash)",
            "$scrypt$ln=15,r=8,p=3$\(salt)$\(hash)\n", "$Scrypt$ln=15,r=8,p=3$\(salt)$\(hash)",
            "$argon2id$ln=15,r=8,p=3$\(salt)$\(hash)", "$scrypt$r=8,ln=15,p=3$\(salt)$\(hash)",
            "$scrypt$ln=15,r=8$\(salt)$\(hash)", "$scrypt$ln=15,r=8,p=3,x=1$\(salt)$\(hash)",
            "$scrypt$ln=015,r=8,p=3$\(salt)$\(hash)", "$scrypt$ln=+15,r=8,p=3$\(salt)$\(hash)",
            "$scrypt$ln=-1,r=8,p=3$\(salt)$\(hash)", "$scrypt$ln=,r=8,p=3$\(salt)$\(hash)",
            "$scrypt$ln=9,r=8,p=3$\(salt)$\(hash)", "$scrypt$ln=21,r=8,p=3$\(salt)$\(hash)",
            "$scrypt$ln=62,r=8,p=3$\(salt)$\(hash)", "$scrypt$ln=63,r=8,p=3$\(salt)$\(hash)",
            "$scrypt$ln=64,r=8,p=3$\(salt)$\(hash)", "$scrypt$ln=99999999999999999999,r=8,p=3$\(salt)$\(hash)",
            "$scrypt$ln=20,r=8,p=1$\(salt)$\(hash)", "$scrypt$ln=15,r=0,p=3$\(salt)$\(hash)",
            "$scrypt$ln=15,r=33,p=3$\(salt)$\(hash)", "$scrypt$ln=15,r=8,p=17$\(salt)$\(hash)",
            "$scrypt$ln=15,r=8,p=3$\(salt)==$\(hash)", "$scrypt$ln=15,r=8,p=3$\(salt)$\(hash)=",
            "$scrypt$ln=15,r=8,p=3$\(salt.dropLast(2))$\(hash)", "$scrypt$ln=15,r=8,p=3$\(salt)$\(hash.dropLast(3))",
            "$scrypt$ln=15,r=8,p=3$\(salt.dropLast())x$\(hash)", "$scrypt$ln=15,r=8,p=3$\(salt)$\(hash.dropLast())9",
            "$scrypt$ln=15,r=8,p=3$$", "$scrypt$ln=15,r=8,p=3$\(salt.dropLast())_$\(hash)",
        ]
        for text in refused {
            #expect(throws: CryptoError.self, "\(text)") { try PasswordRecord(phc: text) }
        }
    }

    @Test(arguments: [
        (0, 8, 1), (1, 8, 1), (-1024, 8, 1), (512, 8, 1), (1025, 8, 1), (Int.max, 8, 1), (Int.min, 8, 1),
        (1 << 21, 1, 1),
        (1024, 0, 1), (1024, 33, 1), (1024, Int.max, 1), (1024, 8, 0), (1024, 8, 17), (1024, 8, Int.min),
        (1 << 18, 8, 1), (1 << 20, 32, 16),
    ])
    func `a cost out of range is refused`(n: Int, r: Int, p: Int) {
        #expect(throws: CryptoError.self) { try ScryptCost(n: n, r: r, p: p) }
    }

    @Test func `the standard cost is 32768, 8, 3`() throws {
        #expect(ScryptCost.standard == (try ScryptCost(n: 32768, r: 8, p: 3)))
        #expect(ScryptCost.standard == (try ScryptCost()))
        #expect(1 << 25..<1 << 26 ~= ScryptCost.standard.memory)
    }

    @Test func `a record needs an upgrade if and only if it is weaker in memory or in work`() throws {
        let record = try PasswordRecord.make(password: "secret", cost: ScryptCost(n: 4096, r: 8, p: 2))

        #expect(try !record.needsUpgrade(to: ScryptCost(n: 4096, r: 8, p: 2)))
        #expect(try !record.needsUpgrade(to: ScryptCost(n: 2048, r: 8, p: 2)))
        #expect(try !record.needsUpgrade(to: ScryptCost(n: 4096, r: 8, p: 1)))
        #expect(try record.needsUpgrade(to: ScryptCost(n: 8192, r: 8, p: 1)))
        #expect(try record.needsUpgrade(to: ScryptCost(n: 4096, r: 8, p: 3)))
        #expect(try record.needsUpgrade(to: ScryptCost(n: 4096, r: 16, p: 2)))
        #expect(record.needsUpgrade(to: .standard))
    }
}
