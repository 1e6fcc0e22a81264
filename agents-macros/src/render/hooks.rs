//! A wrapper for each hook.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::{Scope, here, local, pass};
use crate::model::hook::{Hook, HookParameter};
use crate::model::hook_rule::{Gives, Payload};
use crate::model::types;

fn wrapper_name(hook: &Hook) -> Ident {
    format_ident!("__hook_{}", hook.rule.name, span = here(hook.ident.span()))
}

/// Renders the field of `Hooks`.
pub(crate) fn entry(hook: &Hook) -> TokenStream {
    let cfgs = &hook.cfgs;
    let field = Ident::new(hook.rule.name, here(hook.ident.span()));
    let wrapper = wrapper_name(hook);
    quote!(#(#cfgs)* #field: ::core::option::Option::Some(#wrapper))
}

/// Renders one function for one hook: it makes the references, calls and converts the result.
pub(crate) fn wrapper(scope: &Scope<'_>, hook: &Hook) -> TokenStream {
    match hook.rule.payload {
        Payload::NextState => validation(scope, hook),
        Payload::OldState => migration(scope, hook),
        _ => event(scope, hook),
    }
}

fn event(scope: &Scope<'_>, hook: &Hook) -> TokenStream {
    let Scope { rt, agent, site, bound, .. } = scope;
    let site = *site;
    let [parts, payload, out, receiver, head, body] =
        ["parts", "payload", "out", "agent", "head", "body"].map(|name| local(name, site));

    let failed = match hook.rule.gives {
        Gives::Admission => quote_spanned!(site=> .map_err(::core::convert::Into::<#rt::Refusal>::into)?),
        _ => quote_spanned!(site=> ?),
    };
    let borrowed = quote_spanned!(site=> &#parts);
    let payload_type = payload_type(scope, hook);
    let mut make = Vec::new();
    let mut arguments = Vec::new();
    let is_extracted = |parameter: &&HookParameter| matches!(parameter, HookParameter::Extracted(_));
    let extracted = hook.parameters.iter().filter(is_extracted).count();
    let mut waiting = extracted;
    if extracted > 1 {
        make.push(quote_spanned!(site=> let (mut #head, #body) = #payload.into_parts();));
    }
    for (index, parameter) in hook.parameters.iter().enumerate() {
        let value = local(&format!("value_{index}"), site);
        match parameter {
            HookParameter::Injected(injected) => {
                let made = scope.injected(injected, &borrowed);
                make.push(quote_spanned!(site=> let #value = #made #failed;));
                arguments.push(pass(&value, injected));
            }
            HookParameter::Extracted(ty) => {
                if waiting == 1 && extracted > 1 {
                    make.push(quote_spanned!(site=> let #payload = #rt::Request::from_parts(#head, #body);));
                }
                let ty = scope.outside(ty);
                let found = match waiting {
                    1 => quote_spanned!(site=> <#ty as #rt::FromHttp<_>>::from_http(#payload)),
                    _ => quote_spanned!(site=> <#ty as #rt::FromHttpHead>::from_http_head(&mut #head)),
                };
                waiting -= 1;
                make.push(quote_spanned! {site=>
                    let #value = match #found.await {
                        #rt::Result::Ok(#value) => #value,
                        #rt::Result::Err(#value) => return *#value,
                    };
                });
                arguments.push(quote!(#value));
            }
            HookParameter::Payload(ty)
            | HookParameter::Right(ty)
            | HookParameter::NextState(ty)
            | HookParameter::Source(ty)
            | HookParameter::FromVersion(ty)
            | HookParameter::OldState(ty) => {
                arguments.push(checked(scope, ty, payload_type.as_ref(), &payload));
            }
        }
    }
    let payload_parameter = payload_type.map(|ty| quote_spanned!(site=> , #payload: #ty));
    let method = scope.call(&hook.ident, hook.is_async, &arguments);
    let given = given(scope, hook, &out);
    let (lifetime, receiver_type) = if hook.rule.name == "on_start" {
        (quote_spanned!(site=> 'a), quote_spanned!(site=> &'a mut #agent))
    } else {
        (quote_spanned!(site=> 'static), quote_spanned!(site=> #rt::Arc<#agent>))
    };
    // The method borrows from an `Arc`; `&mut A` is passed on as it is.
    let reborrow = (hook.rule.name != "on_start").then(|| quote_spanned!(site=> let #receiver = &#receiver;));
    let generics = (hook.rule.name == "on_start").then(|| quote_spanned!(site=> <'a>));
    let returned = returned(scope, hook);
    let name = wrapper_name(hook);
    let cfgs = &hook.cfgs;
    quote_spanned! {site=>
        #(#cfgs)*
        fn #name #generics(
            #receiver: #receiver_type,
            #parts: #rt::CallContext<#agent>
            #payload_parameter
        ) -> #rt::BoxFuture<#lifetime, #returned> #bound {
            #rt::Box::pin(async move {
                #(#make)*
                #reborrow
                let #out = #method;
                #given
            })
        }
    }
}

/// Renders `validate_state_change`, which is not a future because it decides inside the change.
fn validation(scope: &Scope<'_>, hook: &Hook) -> TokenStream {
    let Scope { rt, agent, site, bound, .. } = scope;
    let site = *site;
    let [next, source, out, receiver] = ["next", "source", "out", "agent"].map(|name| local(name, site));
    let state = quote_spanned!(site=> &<#agent as #rt::AgentClass>::State);
    let asker = quote_spanned!(site=> &#rt::StateSource<#agent>);
    let arguments: Vec<TokenStream> = hook
        .parameters
        .iter()
        .filter_map(|parameter| match parameter {
            HookParameter::NextState(ty) => Some(checked(scope, ty, Some(&state), &next)),
            HookParameter::Source(ty) => Some(checked(scope, ty, Some(&asker), &source)),
            HookParameter::Injected(_)
            | HookParameter::Payload(_)
            | HookParameter::Extracted(_)
            | HookParameter::Right(_)
            | HookParameter::FromVersion(_)
            | HookParameter::OldState(_) => None,
        })
        .collect();
    let method = scope.call(&hook.ident, false, &arguments);
    let given = given(scope, hook, &out);
    let name = wrapper_name(hook);
    let cfgs = &hook.cfgs;
    quote_spanned! {site=>
        #(#cfgs)*
        fn #name(
            #receiver: &#agent,
            #next: #state,
            #source: #asker,
        ) -> #rt::Result<(), #rt::Error> #bound {
            let #out = #method;
            #given
        }
    }
}

/// Renders `migrate`, which is not a future because it runs in one turn.
fn migration(scope: &Scope<'_>, hook: &Hook) -> TokenStream {
    let Scope { rt, agent, site, bound, .. } = scope;
    let site = *site;
    let [parts, from, old, out, receiver] =
        ["parts", "from", "old", "out", "agent"].map(|name| local(name, site));
    let borrowed = quote_spanned!(site=> &#parts);
    let mut make = Vec::new();
    let mut arguments = Vec::new();
    for (index, parameter) in hook.parameters.iter().enumerate() {
        match parameter {
            HookParameter::Injected(injected) => {
                let value = local(&format!("value_{index}"), site);
                let made = scope.injected(injected, &borrowed);
                make.push(quote_spanned!(site=> let #value = #made?;));
                arguments.push(pass(&value, injected));
            }
            HookParameter::FromVersion(ty) => {
                arguments.push(checked(scope, ty, Some(&quote_spanned!(site=> u32)), &from));
            }
            HookParameter::OldState(ty) => {
                arguments.push(checked(scope, ty, Some(&quote_spanned!(site=> #rt::Value)), &old));
            }
            _ => {}
        }
    }
    let method = scope.call(&hook.ident, false, &arguments);
    let given = given(scope, hook, &out);
    let name = wrapper_name(hook);
    let cfgs = &hook.cfgs;
    quote_spanned! {site=>
        #(#cfgs)*
        fn #name(
            #receiver: &#agent,
            #parts: #rt::CallContext<#agent>,
            #from: u32,
            #old: #rt::Value,
        ) -> #rt::Result<<#agent as #rt::AgentClass>::State, #rt::Error> #bound {
            #(#make)*
            let #out = #method;
            #given
        }
        #(#cfgs)*
        const _: () = ::core::assert!(
            <#agent as #rt::AgentDefinition>::VERSION > 1,
            "the hook `migrate` is never called: write `version = 2` or more in the `#[agent(..)]` of the struct",
        );
    }
}

/// Renders the event with the type that the user wrote; a type other than the event's is reported there.
fn checked(scope: &Scope<'_>, ty: &Type, given: Option<&TokenStream>, value: &Ident) -> TokenStream {
    let Scope { rt, site, .. } = scope;
    let ty = scope.outside(ty);
    quote_spanned!(*site=> <#ty as #rt::HookPayload<#given>>::from_payload(#value))
}

fn payload_type(scope: &Scope<'_>, hook: &Hook) -> Option<TokenStream> {
    let Scope { rt, agent, site, .. } = scope;
    match &hook.rule.payload {
        Payload::Nothing | Payload::NextState | Payload::OldState => None,
        Payload::Right => Some(quote!(&'static str)),
        Payload::Request => Some(quote!(#rt::Request)),
        Payload::Props => Some(quote!(#rt::Option<<#agent as #rt::AgentDefinition>::Props>)),
        Payload::Event { ty, generic, .. } => {
            let ty = local(ty, *site);
            Some(if *generic { quote!(#rt::#ty<#agent>) } else { quote!(#rt::#ty) })
        }
    }
}

/// Renders the type that the wrapper returns to the runtime.
fn returned(scope: &Scope<'_>, hook: &Hook) -> TokenStream {
    let Scope { rt, agent, .. } = scope;
    let value = match hook.rule.gives {
        Gives::Done => quote!(()),
        Gives::Admission => {
            return quote!(#rt::Result<#rt::Option<<#agent as #rt::AgentDefinition>::Connection>, #rt::Refusal>);
        }
        Gives::Tags => quote!(#rt::Vec<#rt::String>),
        Gives::Flag => quote!(bool),
        Gives::Http => quote!(#rt::Response),
        Gives::State => quote!(<#agent as #rt::AgentClass>::State),
    };
    quote!(#rt::Result<#value, #rt::Error>)
}

fn given(scope: &Scope<'_>, hook: &Hook, out: &Ident) -> TokenStream {
    let convert = |conversion, method| scope.convert(hook.output.as_ref(), conversion, method, out);
    match hook.rule.gives {
        Gives::Done => convert("HookResult", "into_result"),
        Gives::Tags => convert("IntoTags", "into_tags"),
        Gives::Flag => convert("IntoFlag", "into_flag"),
        Gives::Http => scope.convert_http(hook.output.as_ref(), out),
        Gives::State => convert("IntoState", "into_state"),
        Gives::Admission => admission(scope, hook, out),
    }
}

/// Renders the result of `authorize`: `Result<(), _>` does not change the connection's state, any other value
/// becomes it.
fn admission(scope: &Scope<'_>, hook: &Hook, out: &Ident) -> TokenStream {
    let Scope { rt, agent, site, .. } = scope;
    let site = *site;
    let value = hook.output.as_ref().and_then(types::first_argument);
    let refused = quote_spanned!(site=> .map_err(::core::convert::Into::<#rt::Refusal>::into));
    match value {
        Some(value) if types::is_unit(value) => quote_spanned! {site=>
            #out.map(|()| #rt::Option::None)#refused
        },
        value => {
            // A state of another type is reported where the user wrote it.
            let span = value.map_or(site, |value| here(value.span()));
            let state = local("state", span);
            quote_spanned! {site=>
                #out.map(|#state| {
                    let #state: <#agent as #rt::AgentDefinition>::Connection = #state;
                    #rt::Option::Some(#state)
                })#refused
            }
        }
    }
}
