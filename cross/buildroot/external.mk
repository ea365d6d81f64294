include $(BR2_EXTERNAL_EGRET_PATH)/egret.mk
