//! The container engine: connecting, making, looking, removing.
//!
//! Start at [`Endpoint::resolve`] (which engine the learner's own `docker` talks to) and
//! [`Engine::connect`]. Whatever is made goes through a [`RunScope`], which registers it before it
//! exists and removes it at the end. Containers are looked at from outside: [`Container::inspect`]
//! asks the engine, [`ProcessLook`] the kernel.
//!
//! The crate judges nothing: it returns facts, with every optional field of the Engine API brought
//! to an end here. Every request has a time limit; an engine that accepts and never answers ends
//! in [`EngineError::Stalled`].

#![warn(unreachable_pub)]

mod address;
mod connect;
mod container;
mod context;
mod error;
mod events;
mod facts;
mod follow;
mod image;
mod kernel;
mod load;
mod made;
mod network;
mod output;
mod plan;
mod project;
mod question;
mod record;
mod scope;
mod state;
mod sweep;

pub use connect::{Engine, Limits};
pub use container::{Container, Exit};
pub use context::{Endpoint, EndpointError, Origin};
pub use error::EngineError;
pub use events::EngineEvent;
pub use facts::{EngineFacts, ImageStore, OLDEST_API};
pub use follow::Follow;
pub use image::{Healthcheck, HistoryStep, ImageConfig, ImageFacts};
pub use kernel::{
    Capabilities, Cgroup, CgroupLimits, Connection, Frozen, Id, IdMap, IdRange, Ids, Kernel, KernelError,
    Limit, Mount, Mounts, OddThread, ParseError, Process, ProcessLook, RootMounts, Seccomp, SignalAll, Via,
    Way, WriteOutcome, WriteTry, Writes, parse_mounts,
};
pub use made::{Labels, Ledger, Made, MadeKind, NoLedger, RUN_LABEL, WORKSPACE_LABEL};
pub use network::Network;
pub use output::{Capture, Captured, Output, OutputBounds};
pub use plan::{ContainerPlan, HealthOverride, KeepOutput, NetworkPlan, Restart};
pub use project::{OnNetwork, ProjectContainer, ProjectEvent, ProjectEvents};
pub use question::{NoQuestion, QUESTION_LABEL, Question, QuestionLimits};
pub use record::{RunGone, RunThere, Runs, same_image};
pub use scope::{Left, Removal, RunScope};
pub use state::{ContainerState, HealthLook, HealthState, HealthStatus, MountSeen, Status};
pub use sweep::sweep;
