/*
 * journey_privacy.h
 *		What every room knows: the settings, and the initialisers that
 *		_PG_init calls in the order of the rooms.
 */
#ifndef JOURNEY_PRIVACY_H
#define JOURNEY_PRIVACY_H

#define JP_EXTENSION	"journey_privacy"
#define JP_SCHEMA		"journey_privacy"

/* True in a server that has us in shared_preload_libraries. */
extern bool jp_preloaded;

/*
 * Grows with everything in this backend that a running scan must notice: the
 * purpose, our configuration, decisions written here, rolled back changes.
 */
extern uint64 jp_epoch;

/* config.c: the settings. */
extern char *jp_setting_purpose;
extern char *jp_setting_keyring_file;
extern char *jp_setting_keyring_command;
extern int	jp_setting_keyring_timeout;
extern char *jp_setting_erasure_ledger_file;
extern bool jp_setting_require_locked_memory;
extern bool jp_setting_require_preload;
extern bool jp_setting_enable_scan;
extern uint64 jp_keyring_setting_generation;
extern int	jp_setting_audit;
extern int	jp_setting_audit_durability;
extern int	jp_setting_audit_queue_size;
extern int	jp_setting_checkpoint_interval;
extern char *jp_setting_checkpoint_file;
extern char *jp_setting_checkpoint_command;

/* Values of journey_privacy.audit and journey_privacy.audit_durability. */
typedef enum JpAuditSetting
{
	JP_AUDIT_OFF,
	JP_AUDIT_CHANGES,
	JP_AUDIT_ALL
} JpAuditSetting;

typedef enum JpAuditDurability
{
	JP_AUDIT_ASYNC,
	JP_AUDIT_FLUSH
} JpAuditDurability;

/* config.c: throws 55000 with the line to add to postgresql.conf. */
extern void jp_preload_required(const char *what);

/* Initialisers, one per file that has something to set up. */
extern void jp_config_init(void);
extern void jp_catalog_init(void);
extern void jp_subject_init(void);
extern void jp_sealed_init(void);
extern void jp_audit_init(void);
extern void jp_consent_init(void);
extern void jp_plan_init(void);
extern void jp_guard_init(void);
extern void jp_erasure_init(void);
extern void jp_store_init(void);

#endif							/* JOURNEY_PRIVACY_H */
