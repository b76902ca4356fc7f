/// The options of a client: docs/options.md. As a literal, by property, or from any Encodable.
///
///     var options: Options = ["system_prompt": "Be brief."]
///     options.maxTurns = 3
///
/// The library checks them when the client is made; an unknown one is an error that names its place.
public struct Options: Sendable, ExpressibleByDictionaryLiteral {
    private var members: [(name: String, value: JSON)] = []

    public init() {}
    public init(dictionaryLiteral members: (String, JSON)...) {
        for (name, value) in members { self[name] = value }
    }

    /// The members of a JSON object.
    public init(_ object: JSON) {
        for (name, value) in object.members { self[name] = value }
    }

    public init(encoding value: some Encodable) throws { self.init(try JSON(encoding: value)) }

    /// An option by its name, for what has no property here.
    public subscript(name: String) -> JSON? {
        get { members.first { $0.name == name }?.value }
        set {
            members.removeAll { $0.name == name }
            if let newValue { members.append((name, newValue)) }
        }
    }

    /// The document that the library gets.
    public var json: JSON { JSON.object(members.map { ($0.name, $0.value) }) }

    subscript<Value: OptionValue>(option name: String) -> Value? {
        get { self[name].flatMap { Value(option: $0) } }
        set { self[name] = newValue?.option }
    }
}

/// A type that an option has in Options+Generated.swift.
protocol OptionValue {
    init?(option: JSON)
    var option: JSON { get }
}

extension JSON: OptionValue {
    init?(option: JSON) { self = option }
    var option: JSON { self }
}

extension String: OptionValue {
    init?(option: JSON) {
        guard let text: String = try? option.decode() else { return nil }
        self = text
    }
    var option: JSON { JSON(self) }
}

extension Int: OptionValue {
    init?(option: JSON) { self.init(option.text) }
    var option: JSON { JSON(self) }
}

extension Double: OptionValue {
    init?(option: JSON) { self.init(option.text) }
    var option: JSON { JSON(self) }
}

extension Bool: OptionValue {
    init?(option: JSON) { self.init(option.text) }
    var option: JSON { JSON(self) }
}

extension [String]: OptionValue {
    init?(option: JSON) {
        guard let texts: [String] = try? option.decode() else { return nil }
        self = texts
    }
    var option: JSON { JSON(self) }
}
