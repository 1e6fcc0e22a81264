//! Expansions of `#[agent]`, and marks outside of one.

use super::*;

/// Returns the code for a caller of `Room::post`, for any kind of caller.
fn interface(bound: &TokenStream) -> TokenStream {
    quote! {
        pub struct __Methods<__C>(__C);
        #[automatically_derived]
        impl<__C: ::core::clone::Clone> ::core::clone::Clone for __Methods<__C> {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        #[automatically_derived]
        impl<__C> ::core::fmt::Debug for __Methods<__C> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str("Methods")
            }
        }
        impl<__C: ::agents::__rt::Caller> __Methods<__C> {
            #[doc = "Posts."]
            #[must_use = "`post` does nothing until it is awaited"]
            pub fn post(&self, body_text: ::agents::__rt::Option<String>) -> impl ::core::future::Future<
                Output = ::agents::__rt::Result<
                    <Result<Post> as ::agents::__rt::Reply>::Value,
                    <__C as ::agents::__rt::Caller>::Error
                >
            > + ::core::marker::Send + use<__C> {
                <__C as ::agents::__rt::Caller>::call::<<Result<Post> as ::agents::__rt::Reply>::Value>(
                    ::core::clone::Clone::clone(&self.0),
                    "post",
                    ::agents::__rt::CallArguments::new()
                        .with(&body_text, <::agents::__rt::Option<String> as ::agents::__rt::Wire>::to_json),
                )
            }
        }
        #[automatically_derived]
        impl ::agents::__rt::Interface for Room where Room: #bound {
            type Methods<__C: ::agents::__rt::Caller> = __Methods<__C>;

            fn methods<__C: ::agents::__rt::Caller>(caller: __C) -> Self::Methods<__C> {
                __Methods(caller)
            }
        }
    }
}

#[test]
fn a_client_gets_the_calls_and_no_bodies() {
    let item = quote! {
        impl Room {
            const LENGTH: usize = 5;
            /// Posts.
            #[callable(write)]
            async fn post(&self, cx: &Context<Self>, #[default = Self::TEXT] body_text: String) -> Result<Post> {
                self.write(cx, body_text)
            }
            #[hook]
            fn on_hibernate(&self) {}
            fn helper(&self) {}
        }
    };
    let expansion = text(crate::expand::agent(quote!(), item, Side::Client));
    let interface = text(interface(&quote!(::agents::__rt::AgentClass)));
    assert!(expansion.contains(&interface), "{expansion}");
    for left_out in ["helper", "LENGTH", "Context", "table", "TEXT"] {
        assert!(!expansion.contains(left_out), "{left_out} in {expansion}");
    }
}

#[test]
fn a_client_gets_a_class_and_its_types() {
    let room = quote! {
        #[derive(Default)]
        pub struct ChatRoom {
            cache: Cache,
        }
    };
    let expansion =
        text(crate::expand::agent(quote!(state = Room, connection = Member), room.clone(), Side::Client));
    let class = quote! {
        impl ::agents::__rt::AgentClass for ChatRoom {
            type State = Room;
            const CLASS: &'static str = "ChatRoom";
            const ROUTE: &'static str = "chat-room";
        }
    };
    assert!(expansion.contains(&text(class)) && expansion.contains(&text(room)), "{expansion}");
    assert!(!expansion.contains("Member") && !expansion.contains("AgentDefinition"), "{expansion}");
    let named = text(crate::expand::agent(
        quote!(name = "lobby"),
        quote!(
            struct ChatRoom;
        ),
        Side::Client,
    ));
    assert!(named.contains(r#"ROUTE : & 'static str = "lobby""#), "{named}");

    let post = quote! {
        #[ts(rename = "Letter")]
        struct Post<T> {
            #[ts(type = "string")]
            #[serde(default)]
            body: T,
        }
    };
    let expansion = text(crate::expand::wire(quote!(), post.clone(), Side::Client));
    let whole = text(crate::expand::wire(quote!(), post, Side::Server));
    for part in ["serde (default)", "Wire for Post", "rename = \"Letter\"", "KeyFacts"] {
        assert!(expansion.contains(part), "no {part} in {expansion}");
    }
    for of_rows in ["FromRow for", "FromColumn for", "ToColumn for"] {
        assert!(!expansion.contains(of_rows) && whole.contains(of_rows), "{of_rows} in {expansion}");
    }
}

#[test]
fn a_callable_gets_a_wrapper_and_a_place_in_the_table() {
    let interface = interface(&quote!(::agents::__rt::AgentDefinition));
    let item = quote! {
        impl Room {
            /// Posts.
            #[callable(write)]
            async fn post(&self, cx: &Context<Self>, #[default = Self::TEXT] body_text: String) -> Result<Post> {
                self.write(cx, body_text)
            }
            fn helper(&self) {}
        }
    };
    let expected = quote! {
        impl Room {
            /// Posts.
            async fn post(&self, cx: &Context<Self>, body_text: String) -> Result<Post> {
                self.write(cx, body_text)
            }
            fn helper(&self) {}
        }
        #[allow(
            dead_code, deprecated, missing_docs, non_local_definitions, private_interfaces, trivial_bounds,
            unreachable_pub, unused_imports, unused_mut, unused_qualifications, unused_variables,
            clippy::all, clippy::pedantic
        )]
        const _: () = {
            fn __call_post(
                call: ::agents::__rt::Call<Room>
            ) -> ::agents::__rt::BoxFuture<
                'static, ::agents::__rt::Result<::agents::__rt::Outcome, ::agents::__rt::Error>
            > where Room: ::agents::__rt::AgentDefinition {
                ::agents::__rt::Box::pin(async move {
                    let mut args = call.arguments(1usize)?;
                    let value_1: String = args.next_or("bodyText", <String as ::agents::__rt::Wire>::from_json, || Room::TEXT)?;
                    let value_0 =
                        <Context<Room> as ::agents::__rt::FromCall<Room>>::from_call(call.parts())?;
                    let agent = &call.agent();
                    let out = Room::post(agent, &value_0, value_1).await;
                    <Result<Post> as ::agents::__rt::Reply>::into_outcome(out)
                })
            }
            #[automatically_derived]
            impl ::agents::__rt::Agent for Room where Room: ::agents::__rt::AgentDefinition {
                fn table() -> &'static ::agents::__rt::Table<Self> {
                    const {
                        &::agents::__rt::Table {
                            callables: &[::agents::__rt::Callable {
                                name: "post",
                                rust_name: "post",
                                docs: "Posts.",
                                deprecated: ::agents::__rt::Option::None,
                                write: true,
                                require: ::agents::__rt::Option::None,
                                exclusive: false,
                        internal: false,
                                streaming: false,
                                arguments: &[::agents::__rt::Argument {
                                    name: "bodyText",
                                    rust_name: "body_text",
                                    describe: <String as ::agents::__rt::Wire>::describe,
                                    has_default: true,
                                }],
                                result: <Result<Post> as ::agents::__rt::Reply>::DESCRIBE,
                                items: ::agents::__rt::Option::None,
                                ends_by_hand: false,
                                invoke: __call_post,
                            }],
                            others: &["helper"],
                            hooks: ::agents::__rt::Hooks { ..::agents::__rt::Hooks::NONE },
                        }
                    }
                }
            }
            #interface
        };
    };
    assert_eq!(text(agent(quote!(), item)), text(expected));
}

#[test]
fn a_hook_gets_only_what_it_names() {
    let item = quote! {
        impl Room {
            #[hook]
            async fn on_start(&mut self, props: Option<Props>) -> Result<()> {}
            #[hook]
            fn validate_state_change(&self, next: &State) {}
        }
    };
    let expansion = text(agent(quote!(), item));
    for part in [
        quote! {
            fn __hook_on_start<'a>(
                agent: &'a mut Room,
                parts: ::agents::__rt::CallContext<Room>,
                payload: ::agents::__rt::Option<<Room as ::agents::__rt::AgentDefinition>::Props>
            )
        },
        quote! {
            let out = Room::validate_state_change(
                agent,
                <&State as ::agents::__rt::HookPayload<
                    &<Room as ::agents::__rt::AgentClass>::State
                >>::from_payload(next)
            );
            <() as ::agents::__rt::HookResult>::into_result(out)
        },
        quote! {
            on_start: ::core::option::Option::Some(__hook_on_start),
            validate_state_change: ::core::option::Option::Some(__hook_validate_state_change),
            ..::agents::__rt::Hooks::NONE
        },
    ] {
        assert!(expansion.contains(&text(part)), "{expansion}");
    }
}

#[test]
fn mistakes_leave_the_impl_and_an_empty_table() {
    let item = quote! {
        impl Room {
            #[callable]
            fn first(&mut self) {}
            #[callable]
            fn second(&self, body: &str) {}
            #[callable]
            fn third(&self) {}
        }
    };
    let expansion = text(agent(quote!(), item));
    let messages = messages(&expansion);
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert!(messages[0].contains("take `&self`") && messages[1].contains("take `String`"), "{messages:#?}");
    let kept =
        text(quote!(impl Room { fn first(&mut self) {} fn second(&self, body: &str) {} fn third(&self) {} }));
    assert!(expansion.starts_with(&kept), "{expansion}");
    assert!(expansion.contains(&text(quote!(callables: &[], others: &[],))), "{expansion}");
}

#[test]
fn an_impl_that_cannot_have_a_table_stays_alone() {
    for item in [
        quote!(impl Clone for Room {}),
        quote!(
            impl<T> Room<T> {}
        ),
        quote!(
            impl (u8, u8) {}
        ),
    ] {
        let expansion = text(agent(quote!(), item.clone()));
        assert_eq!(messages(&expansion).len(), 1, "{expansion}");
        assert!(expansion.starts_with(&text(item)) && !expansion.contains("table"), "{expansion}");
    }
}

#[test]
fn misplaced_marks_say_where_they_belong() {
    let expansion = text(misplaced(
        "hook",
        quote!(
            fn on_start() {}
        ),
    ));
    assert!(messages(&expansion)[0].contains("inside an `#[agent] impl`"), "{expansion}");
}

#[test]
fn a_list_of_migrations_gets_the_path_of_the_crate_from_its_class() {
    for (list, expected) in [
        (quote!(migrations!["CREATE TABLE a (b)",]), "migrations![crate=my::agents,\"CREATETABLEa(b)\",]"),
        (quote!(x::migrations!(dir "sql")), "x::migrations!(crate=my::agents,dir\"sql\")"),
        (quote!(migrations![crate = other, "A"]), "migrations![crate=other,\"A\"]"),
        (quote!(LIST), "=LIST;"),
    ] {
        let expansion = agent(
            quote!(migrations = #list, crate = my::agents),
            quote!(
                struct Room;
            ),
        );
        let expansion = expansion.to_string().replace(' ', "");
        assert!(expansion.contains(expected), "{expansion}");
    }
}
