"""Every GraphQL document that is sent, and nothing that builds one: a test holds each to the schema."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """A document with one query or mutation in it."""

    text: str

    @property
    def name(self) -> str:
        """The name of the operation in it."""
        return self.text.split("(")[0].split("{")[0].split()[1]

    @property
    def is_mutation(self) -> bool:
        """Whether it changes something on the platform."""
        return self.text.startswith("mutation")


# ---- where things are ---------------------------------------------------------------------------
TOKEN_SCOPE = Operation("query TokenScope { projectToken { projectId environmentId } }")
PROJECT = Operation(
    """query Project($project: String!, $after: String) {
  project(id: $project) { id name environments(first: 100, after: $after) {
    edges { node { id name } } pageInfo { hasNextPage endCursor } } } }"""
)
SERVICES = Operation(
    """query Services($environment: String!, $project: String, $after: String) {
  environment(id: $environment, projectId: $project) { serviceInstances(first: 100, after: $after) {
    edges { node { serviceId serviceName
      domains { serviceDomains { domain } customDomains { domain } } } }
    pageInfo { hasNextPage endCursor } } } }"""
)
VOLUMES = Operation(
    """query Volumes($environment: String!, $project: String, $after: String) {
  environment(id: $environment, projectId: $project) { volumeInstances(first: 100, after: $after) {
    edges { node { id volumeId serviceId mountPath sizeMB currentSizeMB state volume { name } } }
    pageInfo { hasNextPage endCursor } } } }"""
)

# ---- backups ------------------------------------------------------------------------------------
BACKUPS = Operation(
    """query Backups($instance: String!) { volumeInstanceBackupList(volumeInstanceId: $instance) {
  id name createdAt expiresAt scheduleId referencedMB usedMB volumeInstanceSizeMB } }"""
)
SCHEDULES = Operation(
    """query Schedules($instance: String!) {
  volumeInstanceBackupScheduleList(volumeInstanceId: $instance) {
    id kind name cron retentionSeconds createdAt } }"""
)
CREATE = Operation(
    """mutation Create($instance: String!, $name: String) {
  volumeInstanceBackupCreate(volumeInstanceId: $instance, name: $name) { workflowId } }"""
)
RESTORE = Operation(
    """mutation Restore($instance: String!, $backup: String!) {
  volumeInstanceBackupRestore(volumeInstanceId: $instance, volumeInstanceBackupId: $backup) {
    workflowId } }"""
)
WORKFLOW = Operation(
    "query Workflow($id: String!) { workflowStatus(workflowId: $id) { status error } }"
)

# ---- the second half of a restore ---------------------------------------------------------------
STAGED = Operation(
    """query Staged($environment: String!) { environmentStagedChanges(environmentId: $environment) {
  id status patch lastAppliedError } }"""
)
COMMIT = Operation(
    """mutation Commit($environment: String!, $message: String, $skipDeploys: Boolean) {
  environmentPatchCommitStaged(
    environmentId: $environment, commitMessage: $message, skipDeploys: $skipDeploys) }"""
)

# ---- the service --------------------------------------------------------------------------------
SERVICE = Operation(
    """query Service($environment: String!, $service: String!) {
  serviceInstance(environmentId: $environment, serviceId: $service) {
    latestDeployment { id status deploymentStopped instances { id status } }
    activeDeployments { id status deploymentStopped instances { id status } } } }"""
)
DEPLOYMENT = Operation(
    """query Deployment($id: String!) {
  deployment(id: $id) { id status deploymentStopped instances { id status } } }"""
)
DEPLOY = Operation(
    """mutation Deploy($environment: String!, $service: String!) {
  serviceInstanceDeployV2(environmentId: $environment, serviceId: $service) }"""
)
STOP = Operation("mutation Stop($id: String!) { deploymentStop(id: $id) }")

# ---- what it says and uses ----------------------------------------------------------------------
LOGS = Operation(
    """query Logs($deployment: String!, $limit: Int) {
  deploymentLogs(deploymentId: $deployment, limit: $limit) { timestamp severity message } }"""
)
METRICS = Operation(
    """query Metrics($environment: String!, $service: String!, $start: DateTime!,
    $measurements: [MetricMeasurement!]!) {
  metrics(environmentId: $environment, serviceId: $service, startDate: $start,
    measurements: $measurements) { measurement values { ts value } } }"""
)

ALL = tuple(each for each in list(globals().values()) if isinstance(each, Operation))
