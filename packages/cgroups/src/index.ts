/**
 * Linux control groups for Node.js: one resource model over v1, v2 and hybrid hosts.
 *
 * {@link createCgroup} makes a group with its limits, {@link openCgroup} opens one that is there,
 * {@link listCgroups} finds those below another; all give a {@link Cgroup}. {@link detectHierarchy} says what the
 * host has. {@link planResources} says what would be written, without touching anything.
 *
 * @packageDocumentation
 */
export { CgroupError, isCgroupError, type CgroupErrorCode, type CgroupErrorContext } from './errors.js'
export { defaultCgroupDriver, isSystemdInit, type CgroupDriver } from './host/default-driver.js'
export { detectHierarchy } from './host/detect-hierarchy.js'
export type { CgroupMode, Hierarchy, HierarchyMount } from './host/hierarchy.js'
export { parseHierarchy, type HierarchyTexts } from './host/parse-hierarchy.js'
export type { Cgroup } from './group/cgroup.js'
export type { CgroupControl } from './group/cgroup-control.js'
export type { CgroupFigures } from './group/cgroup-figures.js'
export type { CgroupLimits } from './group/cgroup-limits.js'
export type { CgroupMembers } from './group/cgroup-members.js'
export { createCgroup, type CreateOptions } from './group/create-cgroup.js'
export { openCgroup, type OpenOptions } from './group/open-cgroup.js'
export { listCgroups } from './group/list-cgroups.js'
export { hierarchyName, pathsBelowOwn, type GroupPaths } from './group/group-paths.js'
export type { JoinFds, JoinOptions } from './group/join-fds.js'
export type { WaitOptions } from './group/wait.js'
export { planResources, type VersionOf } from './plan/plan-resources.js'
export type { Setting } from './plan/setting.js'
export type {
  CpuResources,
  DeviceRule,
  HugepageLimit,
  InterfacePriority,
  MemoryResources,
  NetworkResources,
  PidsResources,
  RdmaLimit,
  Resources,
} from './plan/resources.js'
export type {
  BlockDevice,
  BlockIoResources,
  ThrottleDevice,
  WeightDevice,
} from './plan/resources-block-io.js'
export { checkHost, type HostCheck } from './check/check-host.js'
export type { Availability, Finding, FindingGroup } from './check/finding.js'
export { deviceProgram } from './devices/device-program.js'
export { MIN_MEMORY_LIMIT } from './plan/plan-memory.js'
export { cpuBandwidth } from './plan/cpu-bandwidth.js'
export { parseCpuList } from './plan/parse-cpu-list.js'
export { sharesToWeight, weightToShares } from './plan/shares.js'
export { defaultDeviceRules } from './plan/default-device-rules.js'
export { createSubgroup } from './group/create-subgroup.js'
export type { Delegate } from './group/delegate.js'
export type { GroupType } from './group/threads.js'
export type {
  CgroupEvent,
  CgroupEventType,
  EventOptions,
  FrozenEvent,
  OomEvent,
  PidsMaxEvent,
  PopulatedEvent,
} from './events/cgroup-event.js'
export type { PressureTrigger } from './events/pressure-events.js'
export type { StatsReader } from './stats/stats-reader.js'
export type { Cpuset } from './stats/cpuset.js'
export type { Pressure, PressureFigures, PressureResource } from './stats/pressure.js'
export type { PressureScope, ScopedPressure } from './stats/pressure-file.js'
export type { MemoryBreakdown, MemoryCounts, MemoryStats, SwapStats } from './stats/memory-stats.js'
export type {
  CgroupStats,
  CountStats,
  CpuStats,
  HugetlbCounts,
  HugetlbStats,
  IoCounts,
  IoDeviceStats,
  IoStats,
  IoWaitedFor,
  MiscStats,
  PerCpuStats,
  PidsStats,
  RdmaStats,
  ThrottlingStats,
} from './stats/stats.js'
