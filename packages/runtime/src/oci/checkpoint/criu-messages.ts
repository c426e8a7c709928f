import type { Message, MessageType } from './message.js'

// The part of CRIU's RPC protocol that is used here: names and numbers are those of its images/rpc.proto.

/** `criu_req_type`. */
export const CriuRequestType = {
  DUMP: 1,
  RESTORE: 2,
  PRE_DUMP: 4,
  NOTIFY: 6,
  FEATURE_CHECK: 9,
  VERSION: 10,
} as const

/** `criu_cg_mode`. */
export const CriuCgroupMode = { ignore: 0, soft: 3, full: 4, strict: 5, default: 6 } as const

/** `criu_network_lock_method`. */
export const CriuNetworkLock = { iptables: 1, nftables: 2, skip: 3 } as const

const pageServer = { address: [1, 'string'], port: [2, 'int32'] } as const satisfies MessageType
const externalMount = { key: [1, 'string'], val: [2, 'string'] } as const satisfies MessageType
const joinNamespace = { ns: [1, 'string'], ns_file: [2, 'string'] } as const satisfies MessageType
const inheritFd = { key: [1, 'string'], fd: [2, 'int32'] } as const satisfies MessageType
const cgroupRoot = { ctrl: [1, 'string'], path: [2, 'string'] } as const satisfies MessageType
const features = { mem_track: [1, 'bool'], lazy_pages: [2, 'bool'] } as const satisfies MessageType

const options = {
  images_dir_fd: [1, 'int32'],
  pid: [2, 'int32'],
  leave_running: [3, 'bool'],
  ext_unix_sk: [4, 'bool'],
  tcp_established: [5, 'bool'],
  evasive_devices: [6, 'bool'],
  shell_job: [7, 'bool'],
  file_locks: [8, 'bool'],
  log_level: [9, 'int32'],
  log_file: [10, 'string'],
  ps: [11, pageServer],
  notify_scripts: [12, 'bool'],
  root: [13, 'string'],
  parent_img: [14, 'string'],
  track_mem: [15, 'bool'],
  auto_dedup: [16, 'bool'],
  work_dir_fd: [17, 'int32'],
  link_remap: [18, 'bool'],
  ext_mnt: [23, externalMount, 'repeated'],
  manage_cgroups: [24, 'bool'],
  cg_root: [25, cgroupRoot, 'repeated'],
  rst_sibling: [26, 'bool'],
  inherit_fd: [27, inheritFd, 'repeated'],
  manage_cgroups_mode: [34, 'uint32'],
  external: [37, 'string', 'repeated'],
  empty_ns: [38, 'uint32'],
  join_ns: [39, joinNamespace, 'repeated'],
  freeze_cgroup: [44, 'string'],
  tcp_skip_in_flight: [46, 'bool'],
  lazy_pages: [48, 'bool'],
  orphan_pts_master: [50, 'bool'],
  config_file: [51, 'string'],
  tcp_close: [52, 'bool'],
  lsm_profile: [53, 'string'],
  lsm_mount_context: [63, 'string'],
  network_lock: [64, 'uint32'],
} as const satisfies MessageType

/** `criu_req`. */
export const criuRequest = {
  type: [1, 'uint32'],
  opts: [2, options],
  notify_success: [3, 'bool'],
  keep_open: [4, 'bool'],
  features: [5, features],
} as const satisfies MessageType

/** `criu_resp`. */
export const criuResponse = {
  type: [1, 'uint32'],
  success: [2, 'bool'],
  restore: [4, { pid: [1, 'int32'] }],
  notify: [5, { script: [1, 'string'], pid: [2, 'int32'] }],
  cr_errno: [7, 'int32'],
  features: [8, features],
  cr_errmsg: [9, 'string'],
  version: [10, { major_number: [1, 'int32'], minor_number: [2, 'int32'], sublevel: [4, 'int32'] }],
} as const satisfies MessageType

export type CriuOptions = Message<typeof options>
export type CriuFeatures = Message<typeof features>
export type CriuRequest = Message<typeof criuRequest>
export type CriuResponse = Message<typeof criuResponse>
export type CriuExternalMount = Message<typeof externalMount>
export type CriuInheritFd = Message<typeof inheritFd>
export type CriuJoinNamespace = Message<typeof joinNamespace>
export type CriuCgroupRoot = Message<typeof cgroupRoot>
