/**
 * Containers as a function call: images, namespaces, limits, layers and networks composed.
 *
 * @packageDocumentation
 */
export { Runtime, type RuntimeOptions } from './runtime.js'
export type { RootlessInfo } from './rootless/rootless-info.js'
export type { CleanUpFailure } from './cleanup.js'
export { Container, type ContainerFigures } from './container/container.js'
export type { ContainerSize } from './container/container-files.js'
export type { ContainerExit, ContainerNetwork, ContainerRecord } from './container/record.js'
export type { ContainerMount } from './container/container-mount.js'
export type { ContainerFiles, CopyInOptions } from './container/copy.js'
export type { ContainerLimits } from './container/container-limits.js'
export type { ContainerVolume } from './container/container-volume.js'
export type { NetworkMode, WantedAddresses } from './container/network-option.js'
export type { NetworkAttachment, NetworkOption } from './container/network-option.js'
export type {
  Bandwidth,
  FirewallWarning,
  LinkStats,
  NetworkDriver,
  NetworkInfo,
  OverlayHost,
  OverlayOptions,
  NetworkOptions,
  SubnetOptions,
} from '@ctr/netbridge'
export type { InspectedNetwork, NetworkExplanation, RuntimeNetworks } from './networks/runtime-networks.js'
export type { ExecProcess } from './container/exec.js'
export type { KeptExec } from './execs/kept-exec.js'
export type { CommitOptions } from './container/commit.js'
export type { ImportOptions } from './images/import-image.js'
export type { PrunedImages, PruneImagesOptions } from './images/prune-images.js'
export type { PullImageOptions, PushImageOptions, UnpackProgress } from './images/transfer-options.js'
export type { RemoteImage, RemoteImageOptions, RemoteImages } from './images/remote-images.js'
export type { ImageProblem, ImagesCheck, VerifyOptions } from './images/verify-images.js'
export type { LogEntry, LogOptions, LogPosition } from './container/logs.js'
export type {
  ContainerStdio,
  CreateContainerOptions,
  DnsSettings,
  ExecDetachment,
  ExecOptions,
  RunOptions,
  StartContainerOptions,
} from './options.js'
export type { HostVolume, ImageVolume, MountPropagation, NamedVolume, Volume } from './volume-options.js'
export { signalNumber } from './container/spec.js'
export { defaultMaskedPaths, defaultReadonlyPaths } from './security/hidden-paths.js'
export { blockDevice } from './sandbox/host-devices.js'
export { processLimit } from './sandbox/process-limit.js'
export type { HostDevice, ProcessLimit, SandboxOptions } from './sandbox/sandbox-options.js'
export type { SystemPaths, SystemPathsOption } from './sandbox/system-paths.js'
export type { UserNamespaceOption } from './userns/option.js'
export { TerminalStream, type TerminalSize } from './setup/terminal-stream.js'
export { OciRuntime, type OciRuntimeOptions } from './oci/runtime.js'
export { OciContainer } from './oci/container.js'
export type { ContainerProcess } from './oci/container-process.js'
export type { RdtUpdate } from './oci/update.js'
export type { CreateOptions, ProcessOptions } from './oci/create.js'
export type { Started, StartOptions } from './oci/start.js'
export type { ExecOptions as OciExecOptions } from './oci/exec.js'
export type { ExplainOptions } from './oci/explain.js'
export type { RestoreOptions } from './oci/restore.js'
export type { CheckpointOptions } from './oci/checkpoint/options.js'
export type { ContainerEvent, EventOptions } from './oci/cgroup/events.js'
export type { ContainerStats } from './oci/cgroup/stats/container-stats.js'
export type { CgroupManager } from './oci/context.js'
export type { ContainerStatus, OciState } from './oci/state/status.js'
export { openLog, type FileLog, type Log, type LogOptions as RuntimeLogOptions } from './oci/log.js'
export type * from './oci/config/config.js'
export { parseConfig, parseMounts, parseProcess, parseResources } from './oci/config/parse-config.js'
export { defaultConfig } from './oci/config/default-config.js'
export { features, type Features } from './oci/config/features.js'
export { compileSeccomp, type SeccompFilter } from './seccomp/compile.js'
export type { LinuxSeccomp } from './seccomp/profile.js'
export { parseSeccompProfile } from './security/check-seccomp-profile.js'
export type {
  SeccompProfile,
  SeccompProfileArg,
  SeccompProfileFilter,
  SeccompProfileRule,
} from './security/seccomp-profile.js'
export { Images } from './images/images.js'
export { isRuntimeError, RuntimeError, type RuntimeErrorCode } from './errors.js'
export { startTicks } from './host.js'
export { processRows, type ProcessRows } from './oci/cli/ps/process-rows.js'
