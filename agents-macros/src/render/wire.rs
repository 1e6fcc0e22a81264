//! The traits of a wire type.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Generics, parse_quote};

use super::{Side, here, home, typescript};
use crate::attr::Runtime;
use crate::model::wire::{Part, RowForm, Travelling, WireType};

/// Renders the type as it was written, with the derives of serde and TypeScript, and the traits of this
/// crate; for a server also those of columns and rows.
pub(crate) fn wire(ty: &WireType, side: Side) -> TokenStream {
    let WireType { item, runtime: rt, ident, .. } = ty;
    let derives = ty.is_plain.then(|| derives(ty));
    let apart = (ty.is_plain && typescript::stands_apart(ty)).then(|| typescript::apart(ty));
    // If the derive of ts-rs is not on this item, the compiler does not know the attribute.
    let written = match apart.is_some() {
        true => typescript::without(item),
        false => item.to_token_stream(),
    };
    let generics = bounded(&ty.generics, rt);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    // A type that serde refuses still implements the traits for other items, so only serde's message appears.
    let (serialize, deserialize) = if ty.is_plain {
        (
            quote!(#rt::serde::Serialize::serialize(self, serializer)),
            quote!(#rt::serde::Deserialize::deserialize(deserializer)),
        )
    } else {
        (quote!(::core::unreachable!()), quote!(::core::unreachable!()))
    };
    let shape = if ty.is_plain { quote!(Self) } else { quote!(#rt::Value) };
    let read_row = match ty.row {
        RowForm::Columns => Some(quote!(#rt::row_as_struct(row))),
        RowForm::OneColumn => Some(quote!(#rt::row_as_column(row))),
        RowForm::None => None,
    };
    let from_row = read_row.filter(|_| side == Side::Server).map(|read_row| {
        quote! {
            #[automatically_derived]
            impl #impl_generics #rt::FromRow for #ident #ty_generics #where_clause {
                fn from_row(row: &#rt::Row<'_>) -> #rt::Result<Self, #rt::Error> {
                    #read_row
                }
            }
        }
    });
    let columns = (side == Side::Server).then(|| {
        quote! {
            #[automatically_derived]
            impl #impl_generics #rt::FromColumn for #ident #ty_generics #where_clause {
                fn from_column(value: #rt::ColumnRef<'_>) -> #rt::Result<Self, #rt::Error> {
                    #rt::column_as_wire(value)
                }
            }
            #[automatically_derived]
            impl #impl_generics #rt::ToColumn for #ident #ty_generics #where_clause {
                fn to_column(&self) -> #rt::Result<#rt::Column, #rt::Error> {
                    #rt::wire_as_column(self)
                }
            }
        }
    });
    let (part, key_facts) = ty.is_plain.then(|| key_facts(ty)).unzip();
    let home = home(
        &crate::attr::cfgs(attrs(item)),
        quote! {
            #part
            #[automatically_derived]
            impl #impl_generics #rt::Wire for #ident #ty_generics #where_clause {
                type Shape = #shape;

                fn wire_serialize<__S: #rt::serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> #rt::Result<__S::Ok, __S::Error> {
                    #serialize
                }
                fn wire_deserialize<'__de, __D: #rt::serde::Deserializer<'__de>>(
                    deserializer: __D,
                ) -> #rt::Result<Self, __D::Error> {
                    #deserialize
                }
                #key_facts
            }
            #[automatically_derived]
            impl #impl_generics #rt::JsonMessage for #ident #ty_generics #where_clause {}
            #columns
            #from_row
        },
    );
    let check = check(ty);
    quote!(#check #derives #written #apart #home)
}

/// Returns the code that visits the parts of a type, and the method with the facts about keys that the code
/// does not find.
///
/// A part that only serde supports adds nothing.
fn key_facts(ty: &WireType) -> (TokenStream, TokenStream) {
    let WireType { runtime: rt, keys, .. } = ty;
    let parts = keys.parts.iter().map(|Part { ty, cfgs }| {
        quote!(#(#cfgs)* { (&&__Part::<#ty>(::core::marker::PhantomData)).key_facts(facts); })
    });
    let own = [
        keys.are_hidden.then(|| quote!(facts.hides();)),
        keys.are_tried.then(|| quote!(facts.tries();)),
        keys.are_by_hand.then(|| quote!(facts.by_hand();)),
    ];
    let own = own.into_iter().flatten();
    let part = (!keys.parts.is_empty()).then(|| {
        quote! {
            struct __Part<T>(::core::marker::PhantomData<T>);
            trait __OfWire {
                fn key_facts(&self, facts: &mut #rt::KeyFacts);
            }
            impl<T: #rt::Wire> __OfWire for &__Part<T> {
                fn key_facts(&self, facts: &mut #rt::KeyFacts) {
                    <T as #rt::Wire>::key_facts(facts);
                }
            }
            trait __OfSerde {
                fn key_facts(&self, _: &mut #rt::KeyFacts) {}
            }
            impl<T> __OfSerde for __Part<T> {}
        }
    });
    let method = quote! {
        fn key_facts(facts: &mut #rt::KeyFacts) {
            if facts.is_first::<Self>() {
                #(#own)*
                #(#parts)*
            }
        }
    };
    (quote!(#part), method)
}

/// Renders a check that reports a field that is not a wire type, before serde reports it in another way.
///
/// A field is valid if serde supports it. A wire type that serde does not support, such as a long array with
/// another name, reaches the second trait; any other type reaches the third one. Their methods require the
/// missing trait. Methods are looked up from the most borrowed form to the least, which gives the order.
fn check(ty: &WireType) -> Option<TokenStream> {
    let rt = &ty.runtime;
    let fields = ty.fields.iter().map(|Travelling { ty, is_long_array, cfgs, .. }| {
        let span = here(ty.span());
        match is_long_array {
            true => quote_spanned!(span=> #(#cfgs)* { __travels::<#ty>(); }),
            false => {
                quote_spanned!(span=> #(#cfgs)* { (&&&__Field::<#ty>(::core::marker::PhantomData)).travels(); })
            }
        }
    });
    (ty.is_plain && !ty.fields.is_empty()).then(|| {
        home(
            &crate::attr::cfgs(attrs(&ty.item)),
            quote! {
                struct __Field<T>(::core::marker::PhantomData<T>);
                fn __travels<T: #rt::Wire>() {}
                trait __IsSerde {
                    fn travels(&self) {}
                }
                impl<T: #rt::serde::Serialize> __IsSerde for &&__Field<T> {}
                trait __IsWire {
                    type Field;
                    fn travels(&self)
                    where
                        Self::Field: #rt::SerdeField,
                    {
                    }
                }
                impl<T: #rt::Wire> __IsWire for &__Field<T> {
                    type Field = T;
                }
                trait __IsNeither {
                    type Field;
                    fn travels(&self)
                    where
                        Self::Field: #rt::Wire,
                    {
                    }
                }
                impl<T> __IsNeither for __Field<T> {
                    type Field = T;
                }
                const _: fn() = || {
                    #(#fields)*
                };
            },
        )
    })
}

fn derives(ty: &WireType) -> TokenStream {
    let WireType { runtime: rt, styles, .. } = ty;
    let serde = rt.text("serde");
    let serde = quote! {
        #[derive(#rt::serde::Serialize, #rt::serde::Deserialize)]
        #[serde(crate = #serde)]
        #(#styles)*
    };
    if typescript::stands_apart(ty) {
        return serde;
    }
    let ts = rt.text("ts_rs");
    quote! {
        #serde
        #[derive(#rt::ts_rs::TS)]
        #[ts(crate = #ts)]
    }
}

/// Adds the bounds of type parameters: the wire traits use serde's, so each needs both; TypeScript needs its
/// own.
fn bounded(generics: &Generics, rt: &Runtime) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#rt::Wire));
        parameter.bounds.push(parse_quote!(#rt::serde::Serialize));
        parameter.bounds.push(parse_quote!(#rt::serde::de::DeserializeOwned));
        parameter.bounds.push(parse_quote!(#rt::ts_rs::TS));
        parameter.bounds.push(parse_quote!('static));
    }
    generics
}

pub(super) fn attrs(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        _ => &[],
    }
}
