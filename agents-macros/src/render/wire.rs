//! The traits of a wire type.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Generics, parse_quote};

use super::{Side, here, home, typescript};
use crate::attr::Runtime;
use crate::model::wire::{Travelling, WireType};

/// Renders the type as it was written, with the derives of serde and TypeScript, and the traits of this
/// crate.
pub(crate) fn wire(ty: &WireType, side: Side) -> TokenStream {
    let WireType { item, runtime: rt, ident, .. } = ty;
    let derives = ty.is_plain.then(|| derives(ty, side));
    let apart = (ty.is_plain && typescript::stands_apart(ty, side)).then(|| typescript::apart(ty));
    // If the derive of ts-rs is not on this item, the compiler does not know the attribute.
    let written = match apart.is_some() || side == Side::Client {
        true => typescript::without(item),
        false => item.to_token_stream(),
    };
    let generics = bounded(&ty.generics, rt, side);
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
    let from_row = (ty.has_columns && side == Side::Server).then(|| {
        quote! {
            #[automatically_derived]
            impl #impl_generics #rt::FromRow for #ident #ty_generics #where_clause {
                fn from_row(row: &#rt::Row<'_>) -> #rt::Result<Self, #rt::Error> {
                    #rt::row_as_struct(row)
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
    let home = home(
        &crate::attr::cfgs(attrs(item)),
        quote! {
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

/// Renders a check that reports a field that is not a wire type, before serde reports it in another way.
///
/// A field is valid if it is a wire type or if serde supports it. Only a field that is neither reaches the
/// third trait, whose method requires a wire type. Methods are looked up from the most borrowed
/// form to the least, which gives the order.
fn check(ty: &WireType) -> Option<TokenStream> {
    let rt = &ty.runtime;
    let fields = ty.fields.iter().map(|Travelling { ty, cfgs }| {
        let place = here(ty.span());
        quote_spanned!(place=> #(#cfgs)* { (&&&__Field::<#ty>(::core::marker::PhantomData)).travels(); })
    });
    (ty.is_plain && !ty.fields.is_empty()).then(|| {
        home(
            &crate::attr::cfgs(attrs(&ty.item)),
            quote! {
                struct __Field<T>(::core::marker::PhantomData<T>);
                trait __IsWire {
                    fn travels(&self) {}
                }
                impl<T: #rt::Wire> __IsWire for &&__Field<T> {}
                trait __IsSerde {
                    fn travels(&self) {}
                }
                impl<T: #rt::serde::Serialize> __IsSerde for &__Field<T> {}
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

fn derives(ty: &WireType, side: Side) -> TokenStream {
    let WireType { runtime: rt, styles, .. } = ty;
    let serde = rt.text("serde");
    let serde = quote! {
        #[derive(#rt::serde::Serialize, #rt::serde::Deserialize)]
        #[serde(crate = #serde)]
        #(#styles)*
    };
    if side == Side::Client || typescript::stands_apart(ty, side) {
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
fn bounded(generics: &Generics, rt: &Runtime, side: Side) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#rt::Wire));
        parameter.bounds.push(parse_quote!(#rt::serde::Serialize));
        parameter.bounds.push(parse_quote!(#rt::serde::de::DeserializeOwned));
        if side == Side::Server {
            parameter.bounds.push(parse_quote!(#rt::ts_rs::TS));
        }
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
