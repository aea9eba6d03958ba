//! The bare limit: as many containers at once as a run makes, straight through the client library.

use std::{collections::HashMap, sync::Arc};

use bollard::{
    Docker,
    models::ContainerCreateBody,
    query_parameters::{LogsOptions, RemoveContainerOptions, StartContainerOptions, WaitContainerOptions},
};
use futures_util::StreamExt;
use tokio::sync::Semaphore;

use super::machine::cores;

/// Creates, starts, waits for, reads and removes `count` containers that run `whoami`.
pub fn run(image: &str, count: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let docker = Docker::connect_with_local_defaults().unwrap();
        let turns = Arc::new(Semaphore::new(2 * cores()));
        let tasks: Vec<_> = (0..count)
            .map(|_| {
                let (docker, turns, image) = (docker.clone(), turns.clone(), image.to_owned());
                tokio::spawn(async move {
                    let _turn = turns.acquire().await.unwrap();
                    one(&docker, image).await;
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

async fn one(docker: &Docker, image: String) {
    let body = ContainerCreateBody {
        image: Some(image),
        entrypoint: Some(vec!["whoami".into()]),
        labels: Some(HashMap::from([("grader.bench".into(), "limit".into())])),
        ..Default::default()
    };
    let id = docker.create_container(None, body).await.unwrap().id;
    let mut ended = docker.wait_container(&id, None::<WaitContainerOptions>);
    docker.start_container(&id, None::<StartContainerOptions>).await.unwrap();
    assert_eq!(ended.next().await.unwrap().unwrap().status_code, 0);
    let wanted = LogsOptions { stdout: true, stderr: true, ..Default::default() };
    let mut printed = docker.logs(&id, Some(wanted));
    while let Some(piece) = printed.next().await {
        piece.unwrap();
    }
    let options = RemoveContainerOptions { force: true, v: true, link: false };
    docker.remove_container(&id, Some(options)).await.unwrap();
}
