import Testing

@testable import Gateway

/// One example of the `classic` document: what is sent and what comes back, as it is printed there.
///
/// `$name` in path and body stands for a value of the scene the example is played in. Of the answer, names and types
/// count, since ids and times are the server's; `additions` are the fields the contract adds to the document's.
struct ClassicExample: Sendable, CustomTestStringConvertible {
    let title: String
    let method: String
    let path: String
    var body = ""
    var answer = #"{"code":0,"info":"Succeed"}"#
    /// Fields by the name of the object or list they are added to; `""` is the answer itself.
    var additions: [String: JSONValue] = [:]

    var testDescription: String { title }
}

extension ClassicExample {
    /// The examples of users, in the document's order.
    static let users = [
        ClassicExample(
            title: "/user/login", method: "POST", path: "/user/login",
            body: #"{"userName": "Ashitemaru", "password": "123456"}"#,
            answer: #"{"code":0,"info":"Succeed","token":"a.b.c","phoneNumber":"13243218765","email":"","picture":""}"#,
            additions: ["": ["userId": 1, "userName": ""]]),
        ClassicExample(title: "/user/logout", method: "POST", path: "/user/logout", body: "{}"),
        ClassicExample(
            title: "/user/register", method: "PUT", path: "/user/register",
            body: """
                {
                    "userName": "Newcomer",
                    "password": "123456",
                    "ensurePassword": "123456",
                    "phoneNumber": "13243218765",
                    "email":"12345678@qq.com",
                    "picture":"ZmlsZSBpbiBiYXNlNjQ="
                }
                """),
        ClassicExample(
            title: "/user/pull_user_info", method: "GET", path: "/user/pull_user_info?userName=Bob",
            answer: """
                {
                  "code": 0,
                  "info": "Succeed",
                  "user_list": [
                    {
                      "user_name": "Bob",
                      "user_id": 111,
                      "user_phone_number": "12341234123",
                      "user_email": "889900@qq.com",
                      "user_picture": "base64_image!"
                    },
                    {
                      "user_name": "Bob",
                      "user_id": 222,
                      "user_phone_number": "009988776655",
                      "user_email": "2333@qq.com",
                      "user_picture": "base64_image!"
                    }
                  ]
                }
                """),
    ]

    /// The examples of friends, in the document's order.
    static let friends = [
        ClassicExample(
            title: "/friend/apply_friend", method: "POST", path: "/friend/apply_friend",
            body: #"{"applyUserName":"Dave"}"#),
        ClassicExample(
            title: "/friend/pull_friend_chain", method: "GET", path: "/friend/pull_friend_chain",
            answer: """
                {
                    "code": 0,
                    "info": "Succeed",
                    "friend_chain": [
                      {
                        "sender_user_id":"456",
                        "sender_name":"Alice"
                      }
                     ]
                }
                """, additions: ["friend_chain": ["sender_picture": "", "message": ""]]),
        ClassicExample(
            title: "/friend/handel_apply", method: "POST", path: "/friend/handel_apply",
            body: """
                {
                    "senderUserId":"$applicant",
                    "agree":"True"
                }
                """,
            answer: """
                {
                    "code": 0,
                    "info": "Succeed",
                    "conversation_id":"123"
                }
                """),
        // The document's braces are no JSON; what its front end reads has a list called total_friend_list.
        ClassicExample(
            title: "/friend/pull_friend_list", method: "GET", path: "/friend/pull_friend_list",
            answer: """
                {
                  "code": 0,
                  "info": "Succeed",
                  "total_friend_list": [
                    {
                      "group_name": "group_1",
                      "friend_list": [
                        {
                          "friend_name": "Alice",
                          "friend_id": 111,
                          "friend_picture": "base64_image!",
                          "conversation_id": 10
                        }
                      ]
                    }
                  ]
                }
                """, additions: ["friend_list": ["group_name": ""]]),
    ]

    /// The examples of messages and conversations, in the document's order.
    static let messages = [
        ClassicExample(
            title: "/message/send_message", method: "PUT", path: "/message/send_message",
            body: """
                {
                    "conversationId":"$conversation",
                    "message":"hello",
                    "replyId":-1
                }
                """,
            answer: """
                {
                    "code": 0,
                    "info": "Succeed",
                    "message_id": 123
                }
                """, additions: ["": ["reply_id": -1]]),
        ClassicExample(
            title: "/message/pull_user_chain", method: "GET", path: "/message/pull_user_chain",
            answer: #"{"code": 0, "info": "Succeed", "user_chat_chain": [\#(messageItem)}]}"#,
            additions: ["user_chat_chain": ["seq": 1]]),
        ClassicExample(
            title: "/conversation/pull_conversation_list", method: "GET", path: "/conversation/pull_conversation_list",
            answer: """
                {
                  "code": 0,
                  "info": "Succeed",
                  "conversation_list": [
                    {"conversation_name": "conv1",
                      "conversation_id": 1,
                      "unread_count":10,
                      "private":"True"
                    },
                    {"conversation_name": "conv2",
                      "conversation_id": 2,
                      "unread_count":20,
                      "private":"False"
                    }
                  ]
                }
                """),
        ClassicExample(
            title: "/conversation/pull_conversation_chain", method: "GET",
            path: "/conversation/pull_conversation_chain?conversationId=$conversation",
            answer: """
                {
                  "code": 0,
                  "info": "Succeed",
                  "conversation_chain": [
                    \(messageItem),
                      "reader_list":[
                        {
                          "member_name":"AAA",
                          "member_user_id":123
                        }
                      ]
                    }
                  ]
                }
                """, additions: ["": ["unread_count": 1], "conversation_chain": ["seq": 1]]),
    ]

    /// A message as the document prints it, without its closing brace.
    private static let messageItem = """
        {
          "message":"message_body",
          "message_id":123,
          "sender_name":"Alice",
          "sender_id":456,
          "conversation_name":"conv_1",
          "conversation_id":789,
          "sender_picture":"Picture",
          "send_time":1234.0000,
          "reply_id":-1,
          "reply_count":0
        """
}
