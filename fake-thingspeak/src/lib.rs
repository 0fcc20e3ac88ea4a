//! A local ThingSpeak.
