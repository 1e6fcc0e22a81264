use super::*;

fn agent(args: TokenStream, item: TokenStream) -> TokenStream {
    super::agent(args, item, Side::Server)
}

fn wire(args: TokenStream, item: TokenStream) -> TokenStream {
    super::wire(args, item, Side::Server)
}

fn text(tokens: TokenStream) -> String {
    // Two closing brackets may or may not be joined, so the text is normalised.
    tokens.to_string().replace("> >", ">>").replace("< <", "<<")
}

/// Returns the messages of an expansion, in order.
fn messages(expansion: &str) -> Vec<&str> {
    expansion.split("compile_error ! { \"").skip(1).filter_map(|rest| rest.split("\" }").next()).collect()
}

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
    let expansion = text(super::agent(quote!(), item, Side::Client));
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
    let expansion = text(super::agent(quote!(state = Room, connection = Member), room.clone(), Side::Client));
    let class = quote! {
        impl ::agents::__rt::AgentClass for ChatRoom {
            type State = Room;
            const CLASS: &'static str = "ChatRoom";
            const ROUTE: &'static str = "chat-room";
        }
    };
    assert!(expansion.contains(&text(class)) && expansion.contains(&text(room)), "{expansion}");
    assert!(!expansion.contains("Member") && !expansion.contains("AgentDefinition"), "{expansion}");
    let named = text(super::agent(
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
    let expansion = text(super::wire(quote!(), post.clone(), Side::Client));
    let whole = text(super::wire(quote!(), post, Side::Server));
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
fn wire_derives_and_fills_in_what_serde_needs() {
    let item = quote! {
        struct Post {
            #[serde(skip_serializing_if = "Option::is_none")]
            reply_to: Option<u64>,
            #[serde(skip_serializing_if = "Vec::is_empty", default)]
            tags: Vec<String>,
        }
    };
    let expansion = text(wire(quote!(crate = my::agents), item));
    let expected = quote! {
        #[derive(my::agents::__rt::serde::Serialize, my::agents::__rt::serde::Deserialize)]
        #[serde(crate = "my::agents::__rt::serde")]
        #[serde(rename_all = "camelCase")]
        struct Post {
            #[serde(skip_serializing_if = "Option::is_none")]
            #[serde(default)]
            reply_to: Option<u64>,
            #[serde(skip_serializing_if = "Vec::is_empty", default)]
            tags: Vec<String>,
        }
    };
    assert!(expansion.contains(&text(expected)), "{expansion}");
    assert!(expansion.contains("FromRow for Post"), "{expansion}");
}

#[test]
fn typescript_is_told_by_a_copy_that_names_types_of_ours() {
    let item = quote! {
        pub struct Post {
            #[ts(inline)]
            #[other]
            pub body: String,
            #[cfg(feature = "b")]
            parent: Box<Self>,
        }
    };
    let expansion = text(wire(quote!(), item));
    for part in [
        quote! {
            type __Type = Post;
            type __Field0 = String;
            #[cfg(feature = "b")]
            type __Field1 = Box<Post>;
        },
        quote! {
            use ::agents::__rt::standard::{None, Option, Some, String, std};
            #[derive(::agents::__rt::ts_rs::TS, ::agents::__rt::WireAttributes)]
            #[serde(rename_all = "camelCase")]
            #[ts(crate = "::agents::__rt::ts_rs")]
            #[ts(rename = "Post")]
            #[ts(optional_fields = nullable)]
            struct __Copy {
                #[ts(inline)]
                body: __Field0,
                #[cfg(feature = "b")]
                parent: __Field1,
            }
        },
        quote! {
            pub struct Post {
                #[other]
                pub body: String,
                #[cfg(feature = "b")]
                parent: Box<Post>,
            }
        },
        quote! {
            #[cfg(feature = "b")]
            { (&&&__Field::<Box<Post>>(::core::marker::PhantomData)).travels(); }
        },
    ] {
        assert!(expansion.contains(&text(part.clone())), "{part}\n\n{expansion}");
    }
}

#[test]
fn a_generic_type_stands_in_a_scope_of_its_own_too() {
    let page = quote!(
        struct Page<T, U: Clone = String, const N: usize = 2> {
            items: Vec<T>,
            more: [U; N],
            name: String,
        }
    );
    let expansion = text(wire(quote!(), page));
    for part in [
        quote! {
            type __Type<T, U, const N: usize> = Page<T, U, N>;
            type __Field0 = String;
            type __Field1<T> = Vec<T>;
            type __Field2<U, const N: usize> = [U; N];
            type __Field3 = String;
        },
        quote! {
            struct __Copy<T, U: Clone = __Field0, const N: usize = 2> {
                items: __Field1<T>,
                #[serde(with = "::agents::__rt::wire_field")]
                #[serde(bound = "U: ::agents::__rt::Wire")]
                #[ts(as = "[U ; N]")]
                more: __Field2<U, N>,
                name: __Field3,
            }
        },
        quote! {
            type WithoutGenerics = __Type<::agents::__rt::ts_rs::Dummy, ::agents::__rt::ts_rs::Dummy, N>;
        },
        quote! {
            const IS_ENUM: bool = <__Copy<T, U, N> as ::agents::__rt::ts_rs::TS>::IS_ENUM;
        },
    ] {
        assert!(expansion.contains(&text(part.clone())), "{part}\n\n{expansion}");
    }
    // The alias of such a field would not have the bounds of `T`.
    let items = text(wire(
        quote!(),
        quote!(
            struct Items<T: Iterator>(Vec<T::Item>);
        ),
    ));
    assert!(items.contains("ts_rs :: TS)]") && !items.contains("__Copy"), "{items}");
}

#[test]
fn what_serde_passes_over_in_silence_is_noted() {
    let noted = |item: TokenStream| {
        let expansion = text(wire(quote!(), item));
        ["hides", "tries", "by_hand"].map(|fact| expansion.contains(&format!("facts . {fact} () ;")))
    };
    assert_eq!(
        noted(quote!(
            struct A {
                #[serde(alias = "c")]
                b: B,
            }
        )),
        [false; 3]
    );
    assert_eq!(
        noted(quote!(
            struct A {
                #[cfg_attr(c, serde(flatten))]
                b: B,
            }
        )),
        [true, false, false]
    );
    assert_eq!(
        noted(quote!(
            struct A {
                #[serde(flatten)]
                b: Option<B>,
            }
        )),
        [true, true, false]
    );
    assert_eq!(
        noted(quote!(
            #[serde(tag = "t", content = "c")]
            enum A {
                B(C),
            }
        )),
        [true, false, false]
    );
    assert_eq!(
        noted(quote!(
            #[serde(untagged)]
            enum A {
                B(C),
            }
        )),
        [false, true, false]
    );
    assert_eq!(
        noted(quote!(
            enum A {
                #[serde(untagged)]
                B(C),
            }
        )),
        [false, true, false]
    );
    assert_eq!(
        noted(quote!(
            struct A {
                #[serde(skip_serializing)]
                b: B,
            }
        )),
        [false, false, true]
    );
    assert_eq!(
        noted(quote!(
            struct A {
                #[serde(skip_serializing_if = "f", with = "w")]
                b: B,
            }
        )),
        [false, false, true]
    );
    assert_eq!(
        noted(quote!(
            struct A {
                #[serde(skip_serializing_if = "f")]
                b: B,
            }
        )),
        [false; 3]
    );
}

#[test]
fn what_is_added_stands_behind_the_same_conditions() {
    let item = quote! {
        #[cfg_attr(a, serde(rename_all = "lowercase"))]
        enum Event {
            #[cfg(x)]
            One {
                #[cfg_attr(b, serde(skip))]
                first: Foreign,
                #[cfg_attr(c, serde(skip_serializing_if = "is_none"))]
                second: u8,
                #[serde(with = "by_hand")]
                third: Option<u8>,
                long: [u8; 64],
            },
        }
    };
    let expansion = text(wire(quote!(), item));
    for part in [
        quote!(#[cfg_attr(not(a), serde(rename_all = "camelCase"))] #[serde(rename_all_fields = "camelCase")]),
        quote!(
            #[cfg(not(b))]
            #[cfg(x)]
            {
                (&&&__Field::<Foreign>(::core::marker::PhantomData)).travels();
            }
        ),
        quote!(
            #[cfg_attr(c, serde(default))]
            #[cfg_attr(c, ts(optional = nullable))]
            second
        ),
        quote!(
            #[ts(optional = false)]
            third
        ),
        quote!(
            #[serde(with = "::agents::__rt::wire_field")]
            #[ts(as = "[u8 ; 64]")]
            long
        ),
    ] {
        assert!(expansion.contains(&text(part.clone())), "{part}\n\n{expansion}");
    }
    let twice = quote!(
        #[cfg_attr(a, derive(Clone, Serialize))]
        struct Post {}
    );
    assert!(messages(&text(wire(quote!(), twice)))[0].contains("derives `Serialize` already"));
}

#[test]
fn wire_styles() {
    let style = |args, item| {
        let expansion = text(wire(args, item));
        let (_, rest) = expansion.split_once("__rt::serde\")]").unwrap_or_default();
        let ends = [" struct ", " enum "].into_iter().filter_map(|item| rest.find(item));
        ends.min().and_then(|end| rest.get(..end)).unwrap_or_default().trim().to_owned()
    };
    let fields = || {
        quote!(
            struct Post {
                a_b: u8,
            }
        )
    };
    let variants = || {
        quote!(
            enum Event {
                One { a_b: u8 },
                Two,
            }
        )
    };
    assert_eq!(style(quote!(), fields()), r##"# [serde (rename_all = "camelCase")]"##);
    assert_eq!(style(quote!(rename_all = "none"), fields()), "");
    assert_eq!(
        style(quote!(), variants()),
        r##"# [serde (rename_all = "camelCase")] # [serde (rename_all_fields = "camelCase")]"##
    );
    let own = quote!(
        #[serde(rename_all(serialize = "UPPERCASE"), tag = "t")]
        enum Event {
            One { a_b: u8 },
        }
    );
    let own = style(quote!(), own);
    assert!(own.starts_with(r##"# [serde (rename_all_fields = "camelCase")]"##), "{own}");
    assert_eq!(
        style(
            quote!(),
            quote!(
                struct Id(u64);
            )
        ),
        ""
    );
}

#[test]
fn a_refused_wire_type_still_travels_for_the_rest_of_the_program() {
    let expansion = text(wire(
        quote!(),
        quote!(
            struct Post<'a> {
                #[serde(borrow)]
                body: &'a str,
            }
        ),
    ));
    assert_eq!(messages(&expansion).len(), 1, "{expansion}");
    assert!(expansion.contains("Wire for Post < 'a >"), "{expansion}");
    assert!(!expansion.contains("# [serde"), "{expansion}");
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
