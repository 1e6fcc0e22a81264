mod explore;
mod layers;
mod model;
