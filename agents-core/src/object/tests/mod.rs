mod explore;
mod model;
