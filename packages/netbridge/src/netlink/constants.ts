// Names and numbers of <linux/netlink.h>, <linux/rtnetlink.h>, <linux/if_link.h>, <linux/if_addr.h>, <linux/pkt_sched.h>,
// <linux/pkt_cls.h> and <linux/tc_act/tc_mirred.h>.
export const NLM_F_REQUEST = 0x1
export const NLM_F_MULTI = 0x2
export const NLM_F_ACK = 0x4
export const NLM_F_DUMP_INTR = 0x10
export const NLM_F_CAPPED = 0x100
export const NLM_F_ACK_TLVS = 0x200
export const NLM_F_REPLACE = 0x100
export const NLM_F_EXCL = 0x200
export const NLM_F_DUMP = 0x300
export const NLM_F_CREATE = 0x400
export const NLM_F_APPEND = 0x800

export const NLMSG_NOOP = 1
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
export const NLMSG_OVERRUN = 4
export const NLMSGERR_ATTR_MSG = 1

export const NLA_F_NESTED = 0x8000
export const NLA_TYPE_MASK = 0x3fff

export const RTM_NEWLINK = 16
export const RTM_DELLINK = 17
export const RTM_GETLINK = 18
export const RTM_SETLINK = 19
export const RTM_NEWADDR = 20
export const RTM_GETADDR = 22
export const RTM_NEWROUTE = 24
export const RTM_GETROUTE = 26
export const RTM_GETMULTICAST = 58
export const RTM_NEWQDISC = 36
export const RTM_DELQDISC = 37
export const RTM_NEWTFILTER = 44

export const IFF_UP = 0x1

export const IFLA_ADDRESS = 1
export const IFLA_IFNAME = 3
export const IFLA_MTU = 4
export const IFLA_LINK = 5
export const IFLA_MASTER = 10
export const IFLA_LINKINFO = 18
export const IFLA_STATS64 = 23
export const IFLA_GROUP = 27
export const IFLA_NET_NS_FD = 28
export const IFLA_EXT_MASK = 29
export const IFLA_NUM_TX_QUEUES = 31
export const IFLA_NUM_RX_QUEUES = 32
export const IFLA_INFO_KIND = 1
export const IFLA_INFO_DATA = 2
export const IFLA_INFO_SLAVE_KIND = 4
export const IFLA_INFO_SLAVE_DATA = 5
export const IFLA_BRPORT_MODE = 4
export const IFLA_BRPORT_ISOLATED = 33
export const VETH_INFO_PEER = 1
export const IFLA_MACVLAN_MODE = 1
export const IFLA_IPVLAN_MODE = 1
export const IFLA_VLAN_ID = 1
export const RTEXT_FILTER_SKIP_STATS = 8

export const IFA_ADDRESS = 1
export const IFA_LOCAL = 2
export const IFA_BROADCAST = 4
export const IFA_MULTICAST = 7
export const IFA_FLAGS = 8
export const IFA_RT_PRIORITY = 9
export const IFA_F_NODAD = 0x2
export const IFA_F_PERMANENT = 0x80
export const IFA_F_NOPREFIXROUTE = 0x200
export const IFA_F_MCAUTOJOIN = 0x400

export const RTA_DST = 1
export const RTA_OIF = 4
export const RTA_GATEWAY = 5
export const RTA_TABLE = 15
export const RT_TABLE_MAIN = 254
export const RTPROT_BOOT = 3
export const RT_SCOPE_UNIVERSE = 0
export const RT_SCOPE_LINK = 253
export const RTN_UNICAST = 1

export const TC_H_ROOT = 0xffff_ffff
export const TC_H_INGRESS = 0xffff_fff1
export const TC_LINKLAYER_ETHERNET = 1
export const TCA_KIND = 1
export const TCA_OPTIONS = 2
export const TCA_TBF_PARMS = 1
export const TCA_TBF_RATE64 = 4
export const TCA_TBF_BURST = 6
export const TCA_U32_SEL = 5
export const TCA_U32_ACT = 7
export const TC_U32_TERMINAL = 1
export const TCA_ACT_KIND = 1
export const TCA_ACT_OPTIONS = 2
export const TC_ACT_STOLEN = 4
export const TCA_MIRRED_PARMS = 2
export const TCA_EGRESS_REDIR = 1

// <linux/neighbour.h>, and of <linux/if_link.h> what is about VXLAN and ports of bridges
export const RTM_NEWNEIGH = 28
export const RTM_DELNEIGH = 29
export const RTM_GETNEIGH = 30
export const NDA_DST = 1
export const NDA_LLADDR = 2
export const NDA_MASTER = 9
export const NUD_NOARP = 0x40
export const NUD_PERMANENT = 0x80
export const NTF_SELF = 0x2
export const NTF_MASTER = 0x4
export const IFLA_BRPORT_LEARNING = 8
export const IFLA_BRPORT_NEIGH_SUPPRESS = 32
export const IFLA_VXLAN_ID = 1
export const IFLA_VXLAN_LOCAL = 4
export const IFLA_VXLAN_LEARNING = 7
export const IFLA_VXLAN_PORT = 15
