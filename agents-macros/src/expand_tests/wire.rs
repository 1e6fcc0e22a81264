//! Expansions of `#[wire]`.

use super::*;

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
