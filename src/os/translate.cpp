#include "os/translate.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace os {

base::Category category_of_errno(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return base::Category::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
      return base::Category::denied;
    case EEXIST:
    case ENOTEMPTY:
      return base::Category::conflict;
    case EAGAIN:
    case EBUSY:
    case EINTR:
    case ETXTBSY:
      return base::Category::retry_later;
    case ENAMETOOLONG:
    case EISDIR:
      return base::Category::invalid;
    case EOPNOTSUPP:
    case ENOSYS:
      return base::Category::unsupported;
    default:
      return base::Category::io;  // ENOSPC, EDQUOT, EIO, EMFILE, ENFILE, and whatever else a disk comes up with
  }
}

namespace {

std::string_view hint_of(int number) {
  switch (number) {
    case ELOOP:
      return " (it is a symbolic link, which is not followed)";
    case EMFILE:
      return " (raise the limit of open files of this process)";
    case ENFILE:
      return " (the machine's limit of open files is reached)";
    default:
      return "";
  }
}

}  // namespace

base::Error error_of_errno(int number, std::string_view operation, const fs::path& subject) {
  std::string message{operation};
  message += ' ';
  message += subject.string();
  message += ": ";
  message += std::generic_category().message(number);
  message += hint_of(number);
  return {category_of_errno(number), std::move(message), std::nullopt};
}

FileSystemKind kind_of_magic(std::uint32_t magic) {
  switch (magic) {
    case 0x794c7630:  // overlay
    case 0x61756673:  // aufs
    case 0x0000f15f:  // ecryptfs
      return FileSystemKind::stacked;
    case 0x00006969:  // NFS
    case 0x0000517b:  // SMB
    case 0xff534d42:  // CIFS
    case 0xfe534d42:  // SMB2
    case 0x01021997:  // 9p
    case 0x65735546:  // FUSE, virtiofs
    case 0x00c36400:  // Ceph
    case 0x5346414f:  // AFS
    case 0x73757245:  // Coda
    case 0x0bd00bd0:  // Lustre
    case 0x47504653:  // GPFS
    case 0x01161970:  // GFS2
    case 0x7461636f:  // OCFS2
    case 0x786f4256:  // VirtualBox shared folders
    case 0xbacbacbc:  // VMware shared folders
      return FileSystemKind::network;
    default:
      return FileSystemKind::local;
  }
}

}  // namespace os
