################################################################################
#
# egret
#
################################################################################

EGRET_VERSION = 0.1.0
EGRET_SITE = $(call qstrip,$(BR2_PACKAGE_EGRET_SITE))
EGRET_SOURCE = egret-$(EGRET_VERSION).tar.gz
EGRET_LICENSE = MIT
EGRET_LICENSE_FILES = LICENSE cross/licences

# The profile `small`: Buildroot asks for `release`.
ifeq ($(BR2_PACKAGE_EGRET_SMALL),y)
EGRET_CARGO_ENV = CARGO_PROFILE_RELEASE_OPT_LEVEL=z
endif

# Not in /usr/bin, where cargo would put it.
define EGRET_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 755 $(@D)/target/$(RUSTC_TARGET_NAME)/release/egret \
		$(TARGET_DIR)/usr/sbin/egret
	$(INSTALL) -d -m 750 $(TARGET_DIR)/etc/egret/keys
endef

define EGRET_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 755 $(EGRET_PKGDIR)/S50egret $(TARGET_DIR)/etc/init.d/S50egret
endef

define EGRET_INSTALL_INIT_SYSTEMD
	$(foreach unit,egret egret@, \
		$(INSTALL) -D -m 644 $(@D)/cross/systemd/$(unit).service \
			$(TARGET_DIR)/usr/lib/systemd/system/$(unit).service ; \
		$(INSTALL) -D -m 644 $(@D)/cross/systemd/hardening.conf \
			$(TARGET_DIR)/usr/lib/systemd/system/$(unit).service.d/hardening.conf ; )
endef

define EGRET_USERS
	egret -1 egret -1 * - - - egret
endef

define EGRET_PERMISSIONS
	/etc/egret/keys d 750 root egret - - - - -
endef

$(eval $(cargo-package))
